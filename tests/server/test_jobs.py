import asyncio
import gc
import io
import os
import weakref
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.jobs.renders import RenderJob, RenderJobs
from server.problems import HTTPProblem
from streaming.audio.feed import SoundFeed
from streaming.errors import CapacityReached, VoiceNotFound
from streaming.render import RenderRequest, RenderResult
from tests.support.clock import ManualClock, settle

REQUEST = RenderRequest(text="Hello", avatar="mira")


def write(path: Path) -> None:
    path.write_bytes(b"part")


def remove(path: Path) -> None:
    path.unlink()


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def expiry(*jobs: RenderJob) -> None:
    """Wait until these are gone, after their time has come."""
    names = {f"render-expiry-{job.id}" for job in jobs}
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() in names))


class Renderer:
    """Renders when told to."""

    def __init__(self) -> None:
        self.gates: list[asyncio.Future[None]] = []
        self.progress: list[Callable[[float], None]] = []
        self.begun = asyncio.Event()

    async def __call__(
        self, request: RenderRequest, path: Path, progress: Callable[[float], None]
    ) -> RenderResult:
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        self.progress.append(progress)
        self.begun.set()
        write(path)
        try:
            await gate
        except BaseException:
            remove(path)
            raise
        return RenderResult(path, 1.0, 25)


class Notes:
    def __init__(self) -> None:
        self.ended: list[tuple[str, float]] = []

    def render_ended(self, status: str, seconds: float) -> None:
        self.ended.append((status, seconds))


class House:
    def __init__(self, directory: Path, **options: Any) -> None:
        self.renderer, self.notes, self.clock = Renderer(), Notes(), ManualClock()
        limits = {"concurrency": 1, "queue": 2, "streams": 2, "keep": 10, "keep_seconds": 60.0} | options
        self.jobs = RenderJobs(self.renderer, directory, self.clock, self.notes, **limits)


@asynccontextmanager
async def open_house(directory: Path, **options: Any):
    house = House(directory, **options)
    await house.jobs.start()
    try:
        yield house
    finally:
        await house.jobs.close()


async def test_one_runs_the_others_wait_and_more_are_refused(tmp_path: Path):
    async with open_house(tmp_path) as house:
        first = house.jobs.submit(REQUEST)
        await settle()
        second, third = house.jobs.submit(REQUEST), house.jobs.submit(REQUEST)
        await settle()
        assert [job.status for job in (first, second, third)] == ["running", "queued", "queued"]
        with pytest.raises(CapacityReached):
            house.jobs.submit(REQUEST)
        house.renderer.gates[0].set_result(None)
        await settle()
        assert [job.status for job in (first, second, third)] == ["done", "running", "queued"]
        assert first.progress == 1.0
        assert house.jobs.submit(REQUEST).status == "queued"


async def test_progress_never_goes_back(tmp_path: Path):
    async with open_house(tmp_path) as house:
        job = house.jobs.submit(REQUEST)
        await settle()
        for fraction in (0.4, 0.2, 7.0):
            house.renderer.progress[0](fraction)
        assert job.progress == 1.0
        house.renderer.progress[0](0.1)
        assert job.progress == 1.0


async def test_a_failure_keeps_its_reason_and_the_next_one_runs(tmp_path: Path):
    async with open_house(tmp_path) as house:
        first, second = house.jobs.submit(REQUEST), house.jobs.submit(REQUEST)
        await settle()
        house.renderer.gates[0].set_exception(VoiceNotFound("No voice is called x."))
        await settle()
        assert (first.status, first.code, first.message) == (
            "failed",
            "voice_not_found",
            "No voice is called x.",
        )
        third = house.jobs.submit(REQUEST)
        house.renderer.gates[1].set_exception(ZeroDivisionError("secret detail"))
        await settle()
        assert (second.status, second.code) == ("failed", "internal_error")
        assert "secret detail" not in (second.message or "")
        assert third.status == "running"
        assert [status for status, _ in house.notes.ended] == ["failed", "failed"]


async def test_cancelling_what_waits_and_what_runs(tmp_path: Path):
    async with open_house(tmp_path) as house:
        running, waiting = house.jobs.submit(REQUEST), house.jobs.submit(REQUEST)
        await settle()
        assert files(tmp_path)
        await house.jobs.cancel(waiting)
        await house.jobs.cancel(running)
        await settle()
        assert (running.status, waiting.status) == ("cancelled", "cancelled")
        assert not files(tmp_path)
        assert len(house.renderer.gates) == 1, "what was cancelled in the queue must never start"
        after = house.jobs.submit(REQUEST)
        await settle()
        assert after.status == "running"


async def test_results_expire_with_their_files(tmp_path: Path):
    async with open_house(tmp_path) as house:
        job = house.jobs.submit(REQUEST)
        await settle()
        house.renderer.gates[0].set_result(None)
        await settle()
        await house.clock.advance(59)
        assert files(tmp_path) == [job.path.name]
        await house.clock.advance(2)
        await expiry(job)
        assert not files(tmp_path)
        with pytest.raises(HTTPProblem):
            house.jobs.get(job.id)


async def test_only_so_many_results_are_kept_the_oldest_goes_first(tmp_path: Path):
    async with open_house(tmp_path, keep=1) as house:
        made = []
        for number in range(2):
            made.append(house.jobs.submit(REQUEST))
            await settle()
            house.renderer.gates[number].set_result(None)
            await settle()
        await expiry(made[0])
        assert [job.id for job in house.jobs.all()] == [made[1].id]
        assert files(tmp_path) == [made[1].path.name]


async def test_waiting_ends_with_the_render_or_the_time(tmp_path: Path):
    async with open_house(tmp_path) as house:
        job = house.jobs.submit(REQUEST)
        await settle()
        early = asyncio.create_task(house.jobs.wait(job, 10))
        await house.clock.advance(9)
        assert not early.done()
        await house.clock.advance(2)
        assert early.done()
        late = asyncio.create_task(house.jobs.wait(job, 10))
        await settle()
        house.renderer.gates[0].set_result(None)
        await settle()
        assert late.done()


async def test_closing_stops_what_runs_and_leaves_no_part_behind(tmp_path: Path):
    async with open_house(tmp_path) as house:
        job = house.jobs.submit(REQUEST)
        await settle()
        await house.jobs.close()
        assert job.status == "cancelled"
        assert not files(tmp_path)


async def test_a_recording_that_cannot_be_removed_stops_no_worker(tmp_path: Path):
    async with open_house(tmp_path) as house:
        first = await house.jobs.submit_recording(REQUEST, io.BytesIO(b"RIFF"))
        second = house.jobs.submit(REQUEST)
        await settle()
        assert first.request.audio is not None
        first.request.audio.unlink()
        # Whoever the tests run as, a folder cannot be unlinked.
        first.request.audio.mkdir()
        house.renderer.begun.clear()
        house.renderer.gates[0].set_result(None)
        await asyncio.wait_for(house.renderer.begun.wait(), 10)
        assert (first.status, second.status) == ("done", "running")


async def test_starting_clears_what_an_earlier_process_left_too_long_ago(tmp_path: Path):
    old, fresh, other = tmp_path / "r_old.mp4", tmp_path / "r_fresh.mp4", tmp_path / "mine.txt"
    killed, sound = tmp_path / ".r_killed.mp4.part", tmp_path / "r_old.audio"
    for path in (old, fresh, other, killed, sound):
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    now = ManualClock().wall()
    os.utime(fresh, (now, now))
    async with open_house(tmp_path):
        assert files(tmp_path) == ["mine.txt", "r_fresh.mp4"]


async def test_a_waiting_render_that_is_cancelled_and_forgotten_takes_no_memory(tmp_path):
    house = House(tmp_path)
    await house.jobs.start()
    running = house.jobs.submit(REQUEST)
    await settle()
    job = house.jobs.submit(REQUEST)
    remembered = weakref.ref(job)
    await house.jobs.cancel(job)
    await house.jobs.forget(job)
    del job
    await settle()
    gc.collect()
    assert remembered() is None
    assert running.status == "running"
    await house.jobs.close()


def stream_request() -> RenderRequest:
    return RenderRequest("", "mira", feed=SoundFeed())


async def test_streams_and_the_queue_never_wait_for_each_other(tmp_path: Path):
    async with open_house(tmp_path) as house:
        queued = [house.jobs.submit(REQUEST)]
        await settle()
        queued += [house.jobs.submit(REQUEST) for _ in range(2)]
        streams = [house.jobs.submit_stream(stream_request()) for _ in range(2)]
        await settle()
        assert [job.status for job in streams] == ["running"] * 2
        assert [job.status for job in queued] == ["running", "queued", "queued"]
        with pytest.raises(CapacityReached, match="2 streams"):
            house.jobs.submit_stream(stream_request())
        # The first gate is that of the text, the others those of the streams.
        house.renderer.gates[0].set_result(None)
        await settle()
        assert [job.status for job in queued] == ["done", "running", "queued"]
        house.renderer.gates[1].set_result(None)
        await settle()
        assert [job.status for job in streams] == ["done", "running"]
        assert streams[0].progress == 1.0
        house.jobs.submit_stream(stream_request())
        assert len(house.jobs.all()) == 6


async def test_a_stream_has_the_id_and_token_that_its_sender_chose(tmp_path: Path):
    async with open_house(tmp_path) as house:
        job = house.jobs.submit_stream(stream_request(), "r_mine0000", "secret")
        assert (job.id, job.token, job.path.name) == ("r_mine0000", "secret", "r_mine0000.mp4")
        assert house.jobs.get("r_mine0000") is job
        with pytest.raises(HTTPProblem) as caught:
            house.jobs.submit_stream(stream_request(), "r_mine0000", "another")
        assert (caught.value.status, caught.value.code) == (409, "render_exists")


@pytest.mark.parametrize("how", ["cancelled", "failed", "closed"])
async def test_nobody_feeds_a_render_that_has_ended(tmp_path: Path, how: str):
    async with open_house(tmp_path) as house:
        request = stream_request()
        job = house.jobs.submit_stream(request)
        if how != "closed":
            await settle()
        if how == "cancelled":
            await house.jobs.cancel(job)
        elif how == "failed":
            house.renderer.gates[0].set_exception(VoiceNotFound("No."))
            await settle()
        else:
            await house.jobs.close()
        assert job.status == ("failed" if how == "failed" else "cancelled")
        assert request.feed is not None
        assert not await request.feed.push(np.zeros(100, np.float32))
        assert not files(tmp_path)
        house.jobs.submit_stream(stream_request())
