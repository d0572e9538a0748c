import math
import random

import pytest

from streaming.gpu.batching import FIRST_BATCH, OFFLINE_PATIENCE, Pending, pick_batch

NOW = 100.0
LINEAR = {1: 0.010, 2: 0.018, 4: 0.034, 8: 0.066}
"""A slow card: a frame costs nearly the same in any batch."""
FLAT = {1: 0.010, 2: 0.010, 4: 0.011, 8: 0.012}
"""A fast card: reading the weights is all that counts."""


def live(due: float, first: bool = False) -> Pending:
    return Pending(NOW + due, NOW, first)


def offline(since: float = 0.0) -> Pending:
    return Pending(math.inf, NOW + since)


def test_nothing_is_drawn_of_nothing() -> None:
    assert pick_batch([], LINEAR, NOW) is None


def test_frames_go_in_order_of_deadline_whosever_they_are() -> None:
    batch = pick_batch([live(0.30), live(0.10), live(0.20), live(0.15)], LINEAR, NOW)
    assert batch is not None and batch.chosen == (1, 3, 2, 0) and batch.size == 4


def test_the_largest_batch_that_is_done_before_the_earliest_deadline() -> None:
    many = [live(0.08 + i * 0.04) for i in range(12)]
    for earliest, size in ((0.070, 8), (0.065, 4), (0.030, 2), (0.012, 1)):
        batch = pick_batch([live(earliest), *many], LINEAR, NOW)
        assert batch is not None and batch.size == size and batch.cost == LINEAR[size]


def test_who_is_late_already_is_caught_up_as_fast_as_can_be() -> None:
    batch = pick_batch([live(-0.1 + i * 0.04) for i in range(12)], LINEAR, NOW)
    assert batch is not None and batch.size == 8
    bad_at_many = {1: 0.010, 2: 0.012, 4: 0.040, 8: 0.100}
    batch = pick_batch([live(-0.1 + i * 0.04) for i in range(12)], bad_at_many, NOW)
    assert batch is not None and batch.size == 2


def test_the_first_frames_of_an_answer_do_not_wait_for_a_large_batch() -> None:
    others = [live(0.5 + i * 0.04) for i in range(10)]
    batch = pick_batch([*others, live(0.0, first=True), live(0.04)], LINEAR, NOW)
    assert batch is not None and batch.size == FIRST_BATCH and batch.chosen == (10, 11)
    alone = pick_batch([live(0.0, first=True)], LINEAR, NOW)
    assert alone is not None and alone.size == 1
    # Two who begin at once share it.
    two = pick_batch([live(-0.1, first=True), live(0.0, first=True), *others], LINEAR, NOW)
    assert two is not None and two.chosen == (0, 1)


def test_a_batch_is_padded_only_where_that_pays() -> None:
    five = [live(1.0 + i) for i in range(5)]
    slow, fast = pick_batch(five, LINEAR, NOW), pick_batch(five, FLAT, NOW)
    assert slow is not None and slow.size == 4 and len(slow.chosen) == 4
    assert fast is not None and fast.size == 8 and len(fast.chosen) == 5


def test_no_batch_is_longer_than_is_allowed() -> None:
    many = [live(5.0 + i) for i in range(20)]
    batch = pick_batch(many, LINEAR, NOW, longest=0.04)
    assert batch is not None and batch.size == 4
    batch = pick_batch(many, LINEAR, NOW, longest=0.001)
    assert batch is not None and batch.size == 1


def test_frames_of_a_file_fill_up_what_would_be_empty() -> None:
    batch = pick_batch([offline(), live(0.012), live(0.020), live(0.03), offline()], FLAT, NOW)
    assert batch is not None and batch.size == 8 and batch.chosen == (1, 2, 3, 0, 4)


def test_frames_of_a_file_make_no_live_frame_late() -> None:
    files = [offline() for _ in range(20)]
    urgent = pick_batch([*files, live(0.020)], LINEAR, NOW)
    assert urgent is not None and urgent.size == 2 and urgent.chosen[0] == 20
    at_leisure = pick_batch([*files, live(0.5)], LINEAR, NOW)
    assert at_leisure is not None and at_leisure.size == 8 and at_leisure.chosen[0] == 20
    late = pick_batch([*files, live(-0.1)], LINEAR, NOW)
    assert late is not None and late.size == 1 and late.chosen == (20,)


def test_a_file_alone_gets_the_fastest_batches() -> None:
    batch = pick_batch([offline() for _ in range(20)], LINEAR, NOW)
    assert batch is not None and batch.size == 8


def test_a_file_gets_a_place_when_it_has_waited_for_long() -> None:
    crowd = [live(-1.0) for _ in range(20)]
    patient = pick_batch([*crowd, offline(-OFFLINE_PATIENCE + 0.1)], LINEAR, NOW)
    assert patient is not None and 20 not in patient.chosen
    starved = pick_batch([*crowd, offline(-OFFLINE_PATIENCE)], LINEAR, NOW)
    assert starved is not None and starved.chosen[-1] == 20 and len(starved.chosen) == starved.size


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_pending_a_batch_holds_the_most_urgent_frames_in_time(seed: int) -> None:
    chance = random.Random(seed)
    costs = LINEAR if seed % 2 else FLAT
    pending = [
        Pending(
            math.inf if chance.random() < 0.3 else NOW + chance.uniform(-0.1, 1.0),
            NOW - chance.uniform(0, 1),
            chance.random() < 0.05,
        )
        for _ in range(chance.randint(1, 30))
    ]
    batch = pick_batch(pending, costs, NOW)
    assert batch is not None
    assert 0 < len(batch.chosen) <= batch.size and len(set(batch.chosen)) == len(batch.chosen)
    assert batch.size in costs and batch.cost == costs[batch.size]
    dues = sorted(frame.due for frame in pending)
    assert [pending[i].due for i in batch.chosen] == dues[: len(batch.chosen)]
    # Never later than it need be: in time, or small for a beginning, or the smallest, or too late anyway.
    first = any(frame.first for frame in pending)
    assert first or NOW + batch.cost <= dues[0] or NOW + costs[1] > dues[0]
