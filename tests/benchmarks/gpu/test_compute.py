from typing import Any

from benchmarks.gpu.compute import WatchedCompute
from tests.support.clock import ManualClock
from tests.support.gpu import Job


def test_seconds_count_for_the_engine_and_stop_when_it_leaves() -> None:
    compute = WatchedCompute()
    clock: Any = ManualClock()
    compute.clock = clock
    log: list[str] = []
    jobs = [Job(clock, log, f"faces by {name}", cost=0.25, steps=2) for name in ("taesd", "vae")]
    speech = Job(clock, log, "speech", cost=1.0, steps=1)
    for job in (*jobs, speech):
        compute.add(job)
    compute.settled().result(10)
    assert len(log) == 5
    assert compute.busy == {"faces": 1.0, "speech": 1.0} and compute.steps == {"faces": 4, "speech": 1}
    compute.remove(speech)
    speech.steps = 1
    compute.look()
    compute.settled().result(10)
    compute.close()
    assert compute.steps["speech"] == 1
