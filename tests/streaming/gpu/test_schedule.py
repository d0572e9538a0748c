import math

import pytest

from streaming.gpu.schedule import (
    LIVE_PATIENCE,
    OFFLINE_PATIENCE,
    OFFLINE_RESERVE,
    Offer,
    choose,
)

NOW = 100.0


def live(due: float, cost: float = 0.02, since: float = NOW) -> Offer:
    return Offer(NOW + due, cost, since)


def offline(cost: float = 0.05, since: float = NOW) -> Offer:
    return Offer(math.inf, cost, since)


def test_nothing_to_do_is_nothing() -> None:
    assert choose([], NOW) is None


def test_the_least_slack_goes_first_and_not_the_earliest_deadline() -> None:
    assert choose([live(0.10), live(0.05), live(0.20)], NOW) == 1
    assert choose([live(0.10, cost=0.01), live(0.12, cost=0.08)], NOW) == 1


def test_of_two_alike_the_one_that_was_served_longest_ago_goes_first() -> None:
    assert choose([live(0.1, since=NOW - 0.1), live(0.1, since=NOW - 0.2)], NOW) == 1
    assert choose([offline(since=NOW - 0.1), offline(since=NOW - 0.2)], NOW) == 1


def test_a_step_is_made_long_before_it_is_due_when_nothing_else_is_there() -> None:
    assert choose([live(60.0)], NOW) == 0


def test_a_file_waits_for_who_is_live() -> None:
    assert choose([offline(), live(0.1)], NOW) == 1
    assert choose([offline(), live(-3.0, since=NOW)], NOW) == 1


def test_a_file_goes_on_while_nobody_live_would_be_late_by_it() -> None:
    room = 0.05 + 0.02 + OFFLINE_RESERVE
    assert choose([live(room + 0.001), offline()], NOW) == 1
    assert choose([live(room - 0.001), offline()], NOW) == 0
    # Each would be in time behind the file, but not both.
    both = [live(room + 0.001), live(room + 0.001)]
    assert choose([*both, offline()], NOW) in (0, 1)


def test_who_was_passed_over_for_long_goes_first() -> None:
    urgent = live(-5.0, since=NOW - 0.01)
    assert choose([urgent, live(-0.1, since=NOW - LIVE_PATIENCE)], NOW) == 1
    assert choose([urgent, offline(since=NOW - OFFLINE_PATIENCE)], NOW) == 1
    assert choose([urgent, offline(since=NOW - OFFLINE_PATIENCE + 0.01)], NOW) == 0


def test_who_has_time_is_not_starving() -> None:
    assert choose([live(0.1), live(5.0, since=NOW - 60)], NOW) == 0


@pytest.mark.parametrize("count", [2, 5])
def test_all_that_are_late_take_turns(count: int) -> None:
    since = {i: NOW for i in range(count)}
    served = {i: 0 for i in range(count)}
    now = NOW
    for _ in range(1000):
        # Each is wanted at once, over and over, and the first costs most.
        offers = [Offer(now, 0.1 if i == 0 else 0.02, since[i]) for i in range(count)]
        chosen = choose(offers, now)
        assert chosen is not None
        now += offers[chosen].cost
        since[chosen] = now
        served[chosen] += 1
    assert min(served.values()) > 20
