import asyncio
import gc
import io
import os
import threading
import weakref
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.jobs import Job
from server.problems import HTTPProblem
from streaming.errors import CapacityReached, PerformerLost, VoiceNotFound
from streaming.render import RenderRequest
from streaming.speech.delivery import Delivery
from tests.support.clock import settle
from tests.support.memory_jobs import House, memory_jobs

REQUEST = RenderRequest(text="Hello", avatar="mira")


@pytest.fixture
def open_house(monkeypatch, tmp_path: Path):
    @asynccontextmanager
    async def make(**changes):
        async with memory_jobs(monkeypatch, tmp_path / "jobs", **changes) as house:
            yield house

    return make


async def until(house: House, job: Job, status: str) -> None:
    async with asyncio.timeout(20):
        while job.status != status:
            await house.jobs._changes._next(job)


async def gone(house: House, job: Job) -> None:
    async with asyncio.timeout(20):
        while house.jobs.find(job.id):
            await house.jobs._changes._next(job)


async def test_one_runs_the_others_wait_and_more_are_refused(open_house):
    async with open_house() as house:
        first, second, third = [await house.jobs.submit_render(REQUEST) for _ in range(3)]
        await until(house, first, "running")
        assert [job.status for job in (second, third)] == ["queued", "queued"]
        assert (house.jobs.count("render", "queued"), house.jobs.count("avatar", "queued")) == (2, 0)
        with pytest.raises(CapacityReached, match="2 renders wait"):
            await house.jobs.submit_render(REQUEST)
        await house.renderer.begun(1)
        house.renderer.gates[0].set_result(None)
        await until(house, first, "done")
        await until(house, second, "running")
        assert (first.progress, third.status) == (1.0, "queued")
        assert (await house.jobs.submit_render(REQUEST)).status == "queued"


async def test_what_is_asked_for_is_what_is_rendered(open_house):
    async with open_house() as house:
        request = RenderRequest("Hey", "theo", "heart", "en", 1.5, 7, Delivery(2.0, 0.5, 1.0))
        await house.jobs.submit_render(request)
        await house.renderer.begun(1)
        assert house.renderer.requests == [request]


async def test_progress_never_goes_back_and_wakes_who_waits(open_house):
    async with open_house() as house:
        job = await house.jobs.submit_render(REQUEST)
        await house.renderer.begun(1)
        waiting = asyncio.create_task(house.jobs.wait(job, job.revision, 60))
        await asyncio.sleep(0)
        assert not waiting.done()
        for fraction in (0.4, 0.2, 7.0):
            house.renderer.progress[0](fraction)
        await waiting
        assert job.progress == 1.0
        house.renderer.progress[0](0.1)
        assert job.progress == 1.0


async def test_a_failure_keeps_its_reason_and_the_next_one_runs(open_house):
    async with open_house() as house:
        first, second, third = [await house.jobs.submit_render(REQUEST) for _ in range(3)]
        await house.renderer.begun(1)
        house.renderer.gates[0].set_exception(VoiceNotFound("No voice is called x."))
        await until(house, first, "failed")
        assert (first.code, first.message) == ("voice_not_found", "No voice is called x.")
        await house.renderer.begun(2)
        house.renderer.gates[1].set_exception(ZeroDivisionError("secret detail"))
        await until(house, second, "failed")
        assert second.code == "internal_error"
        assert "secret detail" not in (second.message or "")
        await until(house, third, "running")
        assert house.notes.renders == ["failed", "failed"]
        assert house.notes.ended == [("render", "failed")] * 2


async def test_cancelling_what_waits_and_what_runs(open_house):
    async with open_house() as house:
        running = await house.jobs.submit_render(REQUEST)
        waiting = await house.jobs.submit_render(REQUEST, io.BytesIO(b"RIFF"))
        await house.renderer.begun(1)
        assert house.files(waiting.id) == ["source"]
        await house.jobs.cancel(waiting)
        await house.jobs.cancel(running)
        assert (running.status, waiting.status) == ("cancelled", "cancelled")
        assert house.files(running.id) == house.files(waiting.id) == []
        assert len(house.renderer.gates) == 1, "what was cancelled in the queue must never start"
        after = await house.jobs.submit_render(REQUEST)
        await until(house, after, "running")


async def test_a_job_that_is_cancelled_in_its_last_moment_is_not_done(open_house, monkeypatch):
    async with open_house() as house:
        job = await house.jobs.submit_render(REQUEST)
        await house.renderer.begun(1)
        loop, tidy = asyncio.get_running_loop(), house.folders.tidy
        tidying, go_on = asyncio.Event(), threading.Event()

        def slowly(job_id: str) -> None:
            loop.call_soon_threadsafe(tidying.set)
            assert go_on.wait(20)
            tidy(job_id)

        monkeypatch.setattr(house.folders, "tidy", slowly)
        house.renderer.gates[0].set_result(None)
        await tidying.wait()
        cancelling = asyncio.create_task(house.jobs.cancel(job))
        await settle()
        go_on.set()
        await cancelling
        assert (job.status, house.notes.ended) == ("cancelled", [("render", "cancelled")])
        assert house.ledger.outcomes[job.id] == "cancelled"


async def test_results_expire_with_their_files(open_house):
    async with open_house() as house:
        job = await house.jobs.submit_render(REQUEST, io.BytesIO(b"RIFF"))
        await house.renderer.begun(1)
        house.renderer.gates[0].set_result(None)
        await until(house, job, "done")
        await house.clock.advance(59)
        assert house.files(job.id) == ["video.mp4"], "the recording is gone, the film is there"
        await house.clock.advance(2)
        await gone(house, job)
        assert not job.folder.exists()
        assert not house.ledger.jobs
        with pytest.raises(HTTPProblem):
            house.jobs.get(job.id)


async def test_only_so_many_results_are_kept_the_oldest_goes_first(open_house):
    async with open_house(keep=1) as house:
        made = []
        for number in range(2):
            made.append(await house.jobs.submit_render(REQUEST))
            await house.renderer.begun(number + 1)
            house.renderer.gates[number].set_result(None)
            await until(house, made[number], "done")
            await house.clock.advance(0.1)
        await gone(house, made[0])
        assert [job.id for job in house.jobs.all()] == [made[1].id]
        assert (made[0].folder.exists(), made[1].folder.exists()) == (False, True)


async def test_waiting_ends_with_the_job_or_the_time(open_house):
    async with open_house() as house:
        job = await house.jobs.submit_render(REQUEST)
        await house.renderer.begun(1)
        early = asyncio.create_task(house.jobs.wait_end(job, 10))
        await house.clock.advance(9)
        assert not early.done()
        await house.clock.advance(2)
        assert early.done()
        late = asyncio.create_task(house.jobs.wait_end(job, 10))
        house.renderer.gates[0].set_result(None)
        await late
        assert job.ended
        await house.jobs.wait(job, job.revision, 1000)


async def test_a_job_goes_on_when_its_process_dies_and_nothing_is_rendered_twice(open_house):
    async with open_house() as house:
        first, second = [await house.jobs.submit_render(REQUEST) for _ in range(2)]
        await house.renderer.begun(1)
        await house.link.die()
        house.renderer.gates[0].set_result(None)
        await asyncio.sleep(0)
        assert first.status == "running", "nobody has heard of the film yet"
        await house.link.up()
        await until(house, first, "done")
        await house.renderer.begun(2)
        await until(house, second, "running")
        assert len(house.renderer.gates) == 2
        assert house.notes.ended == [("render", "done")]


async def test_the_next_server_goes_on_with_what_this_one_leaves(open_house, monkeypatch, tmp_path: Path):
    async with open_house() as house:
        job = await house.jobs.submit_render(REQUEST, io.BytesIO(b"RIFF"))
        done = await house.jobs.submit_render(REQUEST)
        await house.renderer.begun(1)
        house.renderer.gates[0].set_result(None)
        await until(house, job, "done")
        await house.renderer.begun(2)
        kept = house.ledger
    assert done.status == "running", "closing cancels nothing"
    async with memory_jobs(monkeypatch, tmp_path / "jobs") as house:
        house.ledger = kept
        await house.jobs.start(at_once=True)
        again = {found.id: found for found in house.jobs.all()}
        assert set(again) == {job.id, done.id}
        assert again[job.id].status == "done"
        assert again[job.id].token == job.token, "tokens outlive the server"
        await house.renderer.begun(1)
        house.renderer.gates[0].set_result(None)
        await until(house, again[done.id], "done")
        assert house.notes.ended == [("render", "done")], "what ended before is not counted again"


async def test_what_cannot_be_kept_is_refused_and_leaves_nothing(open_house):
    async with open_house() as house:
        house.ledger.broken = OSError(28, "No space left on device")
        with pytest.raises(Exception, match="No space") as caught:
            await house.jobs.submit_render(REQUEST, io.BytesIO(b"RIFF"))
        assert getattr(caught.value, "code", None) == "jobs_unavailable"
        house.ledger.broken = None
        assert house.jobs.all() == []
        assert not list(house.folders.root.glob("r_*"))
        assert not list(house.folders.incoming(house.jobs._server).iterdir())
        await until(house, await house.jobs.submit_render(REQUEST), "running")


async def test_what_was_sent_is_on_the_disk_before_its_job_is_acknowledged(open_house, monkeypatch):
    written: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: written.append(os.fstat(file).st_size))
    async with open_house() as house:
        await house.jobs.submit_render(REQUEST, io.BytesIO(b"RIFF"))
        assert written == [4]


async def test_forgetting_what_runs_cancels_it_first(open_house):
    async with open_house() as house:
        job = await house.jobs.submit_render(REQUEST)
        await house.renderer.begun(1)
        await house.jobs.forget(job)
        assert house.renderer.gates[0].cancelled()
        assert (house.jobs.find(job.id), job.folder.exists(), house.ledger.jobs) == (None, False, {})


async def test_a_waiting_job_that_is_forgotten_takes_no_memory(open_house):
    async with open_house() as house:
        running = await house.jobs.submit_render(REQUEST)
        job = await house.jobs.submit_render(REQUEST)
        remembered = weakref.ref(job)
        await house.jobs.forget(job)
        del job
        await settle()
        gc.collect()
        assert remembered() is None
        assert running.status == "running"


async def test_a_step_that_is_begun_too_often_is_given_up(open_house, monkeypatch):
    monkeypatch.setattr("server.jobs.workshop.MAX_BEGINNINGS", 2)
    async with open_house() as house:
        job = await house.jobs.submit_render(REQUEST)
        await house.renderer.begun(1)
        for _ in range(2):
            await asyncio.wait_for(house.link.asked_to_render.wait(), 20)
            house.link.asked_to_render.clear()
            await house.link.die()
            await house.link.up()
        await until(house, job, "failed")
        assert job.code == "job_given_up"


async def test_a_render_whose_performer_died_is_begun_once_more(open_house):
    async with open_house() as house:
        first, second = [await house.jobs.submit_render(REQUEST) for _ in range(2)]
        for number in (0, 1):
            await house.renderer.begun(number + 1)
            house.renderer.gates[number].set_exception(PerformerLost("It died."))
        await until(house, first, "failed")
        assert first.code == "performer_lost"
        await house.renderer.begun(3)
        house.renderer.gates[2].set_exception(PerformerLost("It died."))
        await house.renderer.begun(4)
        house.renderer.gates[3].set_result(None)
        await until(house, second, "done")
