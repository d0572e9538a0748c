import msgspec
import pytest

from streaming.gpu.admission import (
    FULL_LOAD,
    HALF_RATE,
    LONGEST_BATCH,
    MOST_SESSIONS,
    TAESD,
    VAE,
    Memory,
    Wish,
    face_size,
    load_of,
    plan,
)
from streaming.gpu.costs import Costs

GB = 2**30


def costs(face: float, speech: float = 0.01, vae: float | None = None) -> Costs:
    """A card on which a frame costs so many seconds, whatever the batch."""
    sizes = (1, 2, 4, 8)
    faces = {TAESD: {n: n * face for n in sizes}}
    if vae is not None:
        faces[VAE] = {n: n * vae for n in sizes}
    return Costs(face=faces, speech={n: speech for n in (1, 2, 4, 8, 16, 32, 64)})


def test_the_load_is_the_sum_of_what_sessions_need_in_a_second() -> None:
    measured = Costs(
        face={TAESD: {1: 0.010, 4: 0.020}},
        encoder={1: 0.001, 4: 0.002},
        speech={1: 0.020, 2: 0.022, 4: 0.030},
        codec={1: 0.004, 4: 0.008},
    )
    # Four frames at a time come together within a batch's time for two sessions, not for one.
    assert load_of(measured, 1) == pytest.approx(25 * 0.010 + 12.5 * (0.001 + 0.020 + 0.002))
    assert load_of(measured, 2) == pytest.approx(50 / 4 * 0.020 + 12.5 * (0.002 + 0.022 + 0.004))
    assert load_of(measured, 3) == pytest.approx(75 / 4 * 0.020 + 12.5 * (0.003 + 0.030 + 0.006))
    assert load_of(measured, 0) == 0.0


def test_what_is_not_on_the_card_takes_none_of_its_time() -> None:
    only_speech = Costs(speech={1: 0.02})
    assert load_of(only_speech, 1) == pytest.approx(0.25)
    assert plan(Costs(), Wish(sessions=7)).sessions == 7


def test_a_batch_is_never_longer_than_others_can_wait() -> None:
    assert face_size({1: 0.02, 8: 0.08, 16: 0.16}, 20) == 8
    assert face_size({1: 0.3, 2: 0.5}, 4) == 1
    assert LONGEST_BATCH == 0.120


def test_as_many_are_let_in_as_the_card_bears() -> None:
    planned = plan(costs(0.004, speech=0.02))
    # 0.25 for speech, 0.1 for each session's face.
    assert planned.sessions == 6 and planned.load == pytest.approx(0.85) and planned.frame_rate == 25
    assert planned.decoder == TAESD and planned.face_sizes == (1, 2, 4, 8)
    assert "95%" in planned.reason
    assert load_of(costs(0.004, speech=0.02), 7) > FULL_LOAD


def test_nobody_is_let_in_beyond_what_is_asked_for_and_what_memory_holds() -> None:
    fast = costs(0.0001, speech=0.001)
    assert plan(fast).sessions == MOST_SESSIONS
    asked = plan(fast, Wish(sessions=4))
    assert asked.sessions == 4 and "asked for" in asked.reason
    memory = Memory(budget=14 * GB, resident=13 * GB, per_session=GB // 3)
    held = plan(fast, Wish(sessions=16), memory)
    assert held.sessions == 3 and "memory" in held.reason
    none = plan(fast, Wish(), Memory(budget=14 * GB, resident=14 * GB))
    assert none.sessions == 0 and "memory" in none.reason


def test_the_full_decoder_is_taken_where_asked_for_and_no_session_is_lost_by_it() -> None:
    card = costs(0.002, speech=0.02, vae=0.006)
    assert plan(card, Wish(sessions=4, decoder=VAE)).decoder == VAE
    assert plan(card, Wish(sessions=4)).decoder == TAESD
    crowded = plan(card, Wish(sessions=10, decoder=VAE))
    assert crowded.decoder == TAESD and crowded.sessions == 10


def test_a_card_that_is_too_slow_draws_every_other_frame_and_says_so() -> None:
    slow = costs(0.04, speech=0.02)
    planned = plan(slow)
    assert planned.sessions == 1 and planned.frame_rate == HALF_RATE
    assert load_of(slow, 1) > FULL_LOAD


def test_half_the_rate_can_be_asked_for() -> None:
    card = costs(0.004, speech=0.02)
    assert plan(card, Wish(frame_rate=12.5)).sessions == 2 * plan(card).sessions


def test_a_card_that_cannot_even_do_that_renders_files_only() -> None:
    planned = plan(costs(0.1, speech=0.02))
    assert planned.sessions == 0 and planned.face_sizes == ()
    assert "150%" in planned.reason and "12.5" in planned.reason


def test_a_plan_crosses_to_another_process() -> None:
    planned = plan(costs(0.004))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(planned), type=type(planned)) == planned
