import threading
from concurrent.futures import CancelledError

import pytest

from streaming.errors import EngineFailed
from streaming.gpu.compute import ComputeThread
from tests.support.clock import ManualClock
from tests.support.gpu import Job

PATIENCE = 10


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def compute(clock: ManualClock):
    thread = ComputeThread(clock)
    yield thread
    thread.close()


def settle(compute: ComputeThread) -> None:
    compute.settled().result(PATIENCE)


def test_everything_runs_on_one_thread(compute: ComputeThread, clock: ManualClock) -> None:
    seen: list[int] = []
    log: list[str] = []
    for name in "ab":
        compute.add(Job(clock, log, name, 0.0, steps=3, works=lambda: seen.append(threading.get_ident())))
    seen.append(compute.call(threading.get_ident).result(PATIENCE))
    settle(compute)
    assert sorted(log) == list("aaabbb") and len(seen) == 7
    assert len(set(seen)) == 1 and threading.get_ident() not in seen


def test_it_rests_until_somebody_has_something_new(compute: ComputeThread, clock: ManualClock) -> None:
    log: list[str] = []
    job = Job(clock, log, "job", 0.0, steps=1)
    compute.add(job)
    settle(compute)
    assert log == ["job"]
    job.steps = 2
    settle(compute)
    assert log == ["job"]
    compute.look()
    settle(compute)
    assert log == ["job"] * 3


def test_what_comes_up_in_the_middle_of_a_step_is_not_overlooked(
    compute: ComputeThread, clock: ManualClock
) -> None:
    log: list[str] = []
    other = Job(clock, log, "other", 0.0, steps=0)
    compute.add(other)

    def bring() -> None:
        other.steps = 1
        compute.look()

    compute.add(Job(clock, log, "first", 0.0, works=bring))
    settle(compute)
    assert log == ["first", "other"]


def test_a_call_goes_before_the_next_step(compute: ComputeThread, clock: ManualClock) -> None:
    log: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert go.wait(PATIENCE)

    job = Job(clock, log, "step", 0.0, steps=1, works=hold)
    compute.add(job)
    assert begun.wait(PATIENCE)
    job._works = None
    job.steps = 2
    answer = compute.call(lambda: log.append("call") or "answer")
    go.set()
    assert answer.result(PATIENCE) == "answer"
    settle(compute)
    assert log == ["step", "call", "step", "step"]


def test_what_goes_wrong_in_a_call_or_a_step_does_not_end_the_thread(
    compute: ComputeThread, clock: ManualClock
) -> None:
    with pytest.raises(ZeroDivisionError):
        compute.call(lambda: 1 / 0).result(PATIENCE)
    log: list[str] = []
    job = Job(clock, log, "job", 0.0, works=lambda: 1 / 0)
    compute.add(job)
    settle(compute)
    assert [type(error) for error in job.errors] == [ZeroDivisionError]
    assert compute.call(lambda: 2).result(PATIENCE) == 2


def test_closing_ends_after_the_step_that_runs(clock: ManualClock) -> None:
    compute, log = ComputeThread(clock), list[str]()
    begun, go = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert go.wait(PATIENCE)

    compute.add(Job(clock, log, "job", 0.0, steps=100, works=hold))
    assert begun.wait(PATIENCE)
    waiting = compute.call(lambda: log.append("call"))
    closing = threading.Thread(target=compute.close)
    closing.start()
    with pytest.raises(CancelledError):
        waiting.result(PATIENCE)
    go.set()
    closing.join(PATIENCE)
    assert log == ["job"] and not closing.is_alive()
    compute.close()
    compute.look()
    with pytest.raises(EngineFailed, match="shut down"):
        compute.call(lambda: None)


def test_what_is_removed_is_stepped_no_more(compute: ComputeThread, clock: ManualClock) -> None:
    log: list[str] = []
    job = Job(clock, log, "job", 0.0)
    compute.add(job)
    settle(compute)
    compute.remove(job)
    job.steps = 5
    compute.look()
    settle(compute)
    assert log == ["job"]


def test_whatever_ends_a_turn_the_thread_goes_on_with_the_next(
    compute: ComputeThread, clock: ManualClock
) -> None:
    log: list[str] = []

    def stop() -> None:
        raise SystemExit

    job = Job(clock, log, "job", 0.0, steps=2, works=stop)
    compute.add(job)
    settle(compute)
    job._works = None
    compute.look()
    settle(compute)
    assert log == ["job", "job"] and compute.call(lambda: 2).result(PATIENCE) == 2
