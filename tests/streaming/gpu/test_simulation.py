"""The scheduler, the batches and the admission as they are, on cards that only a clock knows."""

import math

import pytest

from benchmarks.gpu_schedule.cards import HOPPER, L4, T4, T4_SMALL, VAE_FLOP, Card, costs_on, prompt_seconds
from benchmarks.gpu_schedule.world import World
from streaming.errors import CapacityReached
from streaming.gpu.admission import FULL_LOAD, HALF_RATE, VAE, Wish, load_of, plan
from streaming.gpu.costs import Costs

MISSED = 0.005
SECONDS = 60.0


def world_of(card: Card, files: int = 0, wish: Wish | None = None, seed: int = 1) -> World:
    costs = costs_on(card)
    return World(costs, plan(costs, wish or Wish(sessions=32)), prompt_seconds(card), files, seed)


def filled(card: Card, files: int = 0) -> World:
    world = world_of(card, files)
    for _ in range(world.plan.sessions):
        world.enter()
    world.run(SECONDS)
    return world


@pytest.mark.parametrize("card", [T4, T4_SMALL, L4, HOPPER], ids=lambda card: card.name)
def test_who_is_let_in_gets_every_frame_in_time(card: Card) -> None:
    world = filled(card)
    tally = world.tally()
    assert tally.slots > 800 * world.plan.sessions
    assert tally.missed < MISSED
    assert all(session.tally.missed < 0.03 for session in world.sessions)
    waits = sorted(tally.waits)
    assert waits[len(waits) // 2] <= 0.25 and waits[-1] < 0.5
    with pytest.raises(CapacityReached, match="one more would take"):
        world.enter()
    assert load_of(world.costs, world.plan.sessions + 1, world.plan.decoder) > FULL_LOAD


@pytest.mark.parametrize("card", [T4, L4, HOPPER], ids=lambda card: card.name)
def test_a_file_beside_them_goes_on_and_makes_nobody_late(card: Card) -> None:
    world = filled(card, files=1)
    tally = world.tally()
    assert tally.missed < MISSED
    file = world.files[0]
    assert file.utterance is not None and file.utterance.sent > 5 * 25
    assert file.tally.gap < 4.0


def test_files_share_what_is_left() -> None:
    world = world_of(T4, files=3)
    world.enter()
    world.run(SECONDS)
    sent = [file.utterance.sent for file in world.files if file.utterance is not None]
    assert len(sent) == 3 and min(sent) > 100 and max(sent) < 2 * min(sent)


def test_too_many_are_all_served_though_late() -> None:
    world = world_of(T4)
    for _ in range(4):
        world.crowd()
    world.run(SECONDS)
    assert world.tally().missed > MISSED
    slots = [session.tally.slots for session in world.sessions]
    assert min(slots) > 0.5 * max(slots)
    # Between two slots nobody waits longer than a few sentences' worth of work.
    assert world.tally().lateness < 2.0


def test_sessions_share_batches() -> None:
    world = filled(L4)
    assert world.plan.sessions >= 2
    frames = sum(count for count, _ in world.batches)
    assert frames / len(world.batches) > 4
    assert all(count <= size <= max(world.plan.face_sizes) for count, size in world.batches)


def test_half_the_frames_of_a_card_that_is_too_slow() -> None:
    card = Card("half a T4", 9e12, 3e12, 320e9, "0.6b")
    world = world_of(card)
    assert world.plan.sessions == 1 and world.plan.frame_rate == HALF_RATE
    world.enter()
    world.run(SECONDS)
    tally = world.tally()
    assert tally.missed < MISSED and tally.slots > 800
    assert sum(count for count, _ in world.batches) == pytest.approx(tally.slots / 2, rel=0.1)


def test_the_same_seed_is_the_same_simulation() -> None:
    one, same = filled(L4).tally(), filled(L4).tally()
    assert one == same


def test_predicted_costs_follow_from_the_counts() -> None:
    costs: Costs = costs_on(T4)
    assert costs.face[VAE][8] - costs.face["taesd"][8] == pytest.approx(8 * (VAE_FLOP - 23.1e9) / 24e12)
    # The floor that reading the weights sets, as counted for a T4: 16.6 ms at its whole bandwidth.
    assert 0.0166 < costs.speech[1] < 0.040
    assert math.isclose(costs.speech[4], costs.speech[1], rel_tol=0.05)
    assert plan(costs, Wish(decoder=VAE)).decoder == "taesd"
