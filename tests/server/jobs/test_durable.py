import os

import pytest

from server.jobs.errors import JobsUnavailable
from server.problems import HTTPProblem
from streaming.render import RenderRequest
from tests.server.jobs.conftest import AT_ONCE
from tests.support.cheap_stages import NAMES


async def test_an_avatar_is_made_step_by_step(shop):
    async with shop() as place:
        job = await place.submit("anna")
        assert [step.name for step in job.steps] == list(NAMES), "they are known before the first begins"
        await place.until(job, "done")
        assert [(step.status, step.progress) for step in job.steps] == [("done", 1.0)] * 4
        assert job.steps[0].notes == ["The stage read is done."]
        assert job.notes == [f"The stage {name} is done." for name in NAMES]
        assert job.report == {name: {"bytes": 7} for name in NAMES}
        assert (job.progress, job.finished is not None) == (1.0, True)
        assert place.store.get("anna").id == "anna"
        assert place.ran == [f"{job.id} {name}" for name in NAMES]
        assert list(job.folder.iterdir()) == [], "what was sent is not kept"
        with pytest.raises(HTTPProblem):
            place.jobs.preview(job, "read")


async def test_what_is_refused_keeps_its_reason(shop):
    async with shop() as place:
        job = await place.submit("anna", "reject think")
        await place.until(job, "failed")
        assert (job.code, job.message) == ("no_face", "There is no face in the picture. Send another one.")
        assert [step.status for step in job.steps] == ["done", "failed", "skipped", "skipped"]
        assert not place.store.exists("anna")


async def test_a_process_that_dies_twice_at_a_step_fails_the_job_and_no_other(shop):
    async with shop() as place:
        job, other = await place.submit("anna", "crash think"), await place.submit("berta")
        await place.until(job, "failed")
        assert job.code == "stage_crashed"
        await place.until(other, "done")


async def test_a_stage_whose_process_was_killed_is_tried_once_more(shop):
    async with shop() as place:
        job = await place.held("anna", "think")
        (pid,) = place.stage_pids()
        await place.kill(pid)
        await place.release(job)
        await place.until(job, "done")
        assert place.ran == [f"{job.id} {name}" for name in NAMES]


async def test_cancelling_kills_the_stage_and_leaves_no_avatar(shop):
    async with shop() as place:
        job, waiting = await place.held("anna", "polish"), await place.submit("berta")
        assert place.store.exists("anna"), "it is in the store, and the job goes on"
        (pid,) = place.stage_pids()
        await place.jobs.cancel(waiting)
        await place.jobs.cancel(job)
        assert (job.status, waiting.status) == ("cancelled", "cancelled")
        assert [step.status for step in job.steps] == ["done", "done", "done", "skipped"]
        assert not place.store.exists("anna")
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert list(job.folder.iterdir()) == []
        await place.jobs.forget(job)
        assert not job.folder.exists()


async def test_jobs_go_on_after_their_process_was_killed(shop):
    async with shop() as place:
        job, waiting = await place.held("anna", "think"), await place.submit("berta")
        render = await place.jobs.submit_render(RenderRequest("Hello", "mira"))
        await place.renderer.begun(1)
        (pid,) = place.stage_pids()
        await place.kill(place.jobs.link.pid)
        # A submission that comes in now is no less kept than others.
        third = await place.submit("carla")
        await place.release(job)
        place.renderer.gates[0].set_result(None)
        for one in (job, waiting, third, render):
            await place.until(one, "done")
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert place.jobs.link.restarts == 1
        assert sorted(place.ran) == sorted(
            f"{one.id} {name}" for one in (job, waiting, third) for name in NAMES
        )
        assert len(place.renderer.gates) == 1
        assert sorted(place.notes.ended) == [("avatar", "done")] * 3 + [("render", "done")]


async def test_what_ended_is_still_known_to_the_next_server(shop):
    async with shop() as place:
        job, refused = await place.submit("anna"), await place.submit("berta", "reject read")
        cancelled = await place.submit("carla", "hold read")
        await place.until(refused, "failed")
        await place.jobs.cancel(cancelled)
    async with shop() as place:
        again = {found.id: found for found in place.jobs.all()}
        assert [again[one.id].status for one in (job, refused, cancelled)] == ["done", "failed", "cancelled"]
        same = again[job.id]
        assert (same.token, same.steps, same.report, same.notes, same.finished, same.created) == (
            *(job.token, job.steps, job.report, job.notes, job.finished, job.created),
        )
        assert (again[refused.id].code, again[refused.id].steps) == ("no_face", refused.steps)
        assert place.notes.ended == []


async def test_a_second_server_in_the_same_folder_keeps_off(shop):
    async with shop() as place, shop(options=AT_ONCE) as second:
        job = await place.submit("anna")
        with pytest.raises(JobsUnavailable, match="Another server keeps its jobs"):
            await second.submit("berta")
        await place.until(job, "done")
        assert second.jobs.all() == []
