import pytest

from streaming.render import RenderRequest
from tests.support.cheap_stages import NAMES
from tests.support.postgresql import postgresql, programs

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")


@pytest.fixture(scope="module")
def url():
    with postgresql() as address:
        yield address


async def test_two_servers_share_a_database_and_each_goes_on_with_its_own_jobs(shop, url: str):
    async with shop("one", jobs_url=url) as one, shop("other", jobs_url=url) as other:
        held, theirs = await one.held("anna", "think"), await other.submit("anna")
        render = await one.jobs.submit_render(RenderRequest("Hello", "mira"))
        await one.renderer.begun(1)
        await one.kill(one.jobs.link.pid)
        await one.release(held)
        one.renderer.gates[0].set_result(None)
        await one.until(held, "done")
        await one.until(render, "done")
        await other.until(theirs, "done")
        assert one.ran == [f"{held.id} {name}" for name in NAMES]
        assert other.ran == [f"{theirs.id} {name}" for name in NAMES]
        assert {job.id for job in other.jobs.all()} == {theirs.id}
        assert not one.folders.database.exists()
    async with shop("one", jobs_url=url) as one:
        assert {job.id: job.status for job in one.jobs.all()} == {held.id: "done", render.id: "done"}
        await one.jobs.forget(one.jobs.get(held.id))
    async with shop("one", jobs_url=url) as one:
        assert [job.id for job in one.jobs.all()] == [render.id]


async def test_a_database_that_does_not_answer_is_said(shop):
    async with shop(jobs_url="postgresql://nobody@127.0.0.1:1/jobs") as place:
        with pytest.raises(Exception, match="LIPSTREAM_JOBS_URL") as caught:
            await place.submit("anna")
        assert getattr(caught.value, "code", None) == "jobs_unavailable"
