import math
from collections import Counter

import pytest

from streaming.gpu.roster import Roster
from streaming.gpu.work import AT_ONCE, RunningMean
from tests.support.clock import ManualClock
from tests.support.gpu import Job

START = 100.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def run(roster: Roster, turns: int = 10_000) -> None:
    for _ in range(turns):
        if not roster.turn():
            return
    raise AssertionError("there is no end")


def test_steps_are_made_in_the_order_in_which_they_are_wanted(clock: ManualClock) -> None:
    roster, log = Roster(clock), list[str]()
    for name, due in (("file", math.inf), ("late", 0.2), ("soon", 0.1), ("now", AT_ONCE)):
        roster.add(Job(clock, log, name, START + due, cost=0.01))
    run(roster)
    assert log == ["now", "soon", "late", "file"]


def test_two_models_share_the_card_and_both_are_in_time(clock: ManualClock) -> None:
    roster, log = Roster(clock), list[str]()
    late: list[float] = []

    def job(name: str, cost: float, period: float, steps: int) -> Job:
        made = Job(clock, log, name, START + period, cost=cost, period=period, steps=steps)
        made._works = lambda: late.append(clock.now() - (made._due - made._period))
        return made

    roster.add(job("speech", 0.035, 0.080, 100))
    roster.add(job("faces", 0.036, 0.160, 50))
    run(roster)
    assert Counter(log) == {"speech": 100, "faces": 50}
    assert max(late) <= 1e-9


def test_a_file_beside_live_work_is_served_and_makes_nobody_late(clock: ManualClock) -> None:
    roster, log = Roster(clock), list[str]()
    late: list[float] = []
    live = Job(clock, log, "live", START + 0.5, cost=0.04, period=0.08, steps=200)
    live._works = lambda: late.append(clock.now() - (live._due - live._period))
    roster.add(live)
    roster.add(Job(clock, log, "file", cost=0.07, steps=200))
    run(roster)
    assert log[:200].count("file") > 40
    assert max(late) <= 1e-9


def test_a_file_is_served_even_when_live_work_is_always_late(clock: ManualClock) -> None:
    roster, log = Roster(clock), list[str]()
    roster.add(Job(clock, log, "live", START, cost=0.1, period=0.05, steps=1000))
    roster.add(Job(clock, log, "file", cost=0.1, steps=1000))
    for _ in range(500):
        roster.turn()
    assert 20 <= log.count("file") <= 30


def test_an_error_is_told_to_whose_it_is_and_the_others_go_on(clock: ManualClock) -> None:
    roster, log = Roster(clock), list[str]()

    def broken() -> None:
        raise RuntimeError("device-side assert")

    bad = Job(clock, log, "bad", START, works=broken, steps=2, period=1.0)
    good = Job(clock, log, "good", START + 0.5, steps=2, period=1.0)
    roster.add(bad)
    roster.add(good)
    run(roster)
    assert log == ["bad", "good", "bad", "good"]
    assert [str(error) for error in bad.errors] == ["device-side assert"] * 2 and not good.errors


def test_who_cannot_even_say_what_is_due_is_told_and_passed_over(clock: ManualClock) -> None:
    roster, log = Roster(clock), list[str]()

    class Confused(Job):
        def due(self) -> float | None:
            raise ValueError("no idea")

    confused = Confused(clock, log, "confused")
    roster.add(confused)
    roster.add(Job(clock, log, "good", START))
    run(roster)
    assert log == ["good"] and len(confused.errors) == 2


def test_who_breaks_on_being_told_is_dropped(clock: ManualClock) -> None:
    roster, log = Roster(clock), list[str]()

    class Hopeless(Job):
        def failed(self, error: Exception) -> None:
            raise error

    roster.add(Hopeless(clock, log, "hopeless", START, steps=100, works=lambda: 1 / 0))
    roster.add(Job(clock, log, "good", START + 1.0))
    run(roster)
    assert log == ["hopeless", "good"]


def test_what_is_removed_is_stepped_no_more(clock: ManualClock) -> None:
    roster, log = Roster(clock), list[str]()
    job = Job(clock, log, "job", START, steps=5)
    roster.add(job)
    roster.turn()
    roster.remove(job)
    roster.remove(job)
    assert not roster.turn() and log == ["job"]


def test_a_mean_follows_what_steps_cost_now() -> None:
    mean = RunningMean(0.5)
    assert mean.value == 0.5
    mean.add(0.1)
    assert mean.value == pytest.approx(0.1)
    for _ in range(30):
        mean.add(0.2)
    assert mean.value == pytest.approx(0.2, rel=0.01)
