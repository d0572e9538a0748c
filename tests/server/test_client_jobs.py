import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.client import ApiError, JobStep, LipstreamClient
from server.state import State
from tests.server.conftest import API_KEY
from tests.support.job_shelf import JobShelf
from tests.support.whole_avatars import whole_bundle

JPEG = b"\xff\xd8\xff\xe0 a photo"
PNG = b"\x89PNG\r\n\x1a\n a picture"


@pytest.fixture
def calling(still, tmp_path):
    """A client of a server whose jobs lie in memory."""

    @asynccontextmanager
    async def make() -> AsyncIterator[tuple[LipstreamClient, JobShelf, State]]:
        async with still(api_key=API_KEY) as server:
            server.state.jobs = shelf = JobShelf(tmp_path / "shelf")
            transport = server.http._transport
            async with LipstreamClient("http://localhost", API_KEY, transport) as client:
                yield client, shelf, server.state

    return make


async def test_an_avatar_is_made_and_its_steps_are_told(calling, tmp_path: Path):
    photo, behind = tmp_path / "me.jpg", tmp_path / "b.png"
    photo.write_bytes(JPEG)
    behind.write_bytes(PNG)
    told: list[tuple[str, str, float]] = []
    heard = asyncio.Event()

    def on_step(step: JobStep) -> None:
        told.append((step.name, step.status, step.progress))
        heard.set()

    async with calling() as (client, shelf, state):
        making = asyncio.create_task(
            client.create_avatar(
                photo,
                consent="me",
                avatar="ada",
                name="Ada",
                backdrop=str(behind),
                source="home",
                on_step=on_step,
            )
        )
        job = (await shelf.newest()).id
        for step, progress in (("open", 0.5), ("open", 1), ("face", 0.5), ("face", 1)):
            heard.clear()
            await shelf.change(job, step, progress, b"picture")
            await asyncio.wait_for(heard.wait(), 5)
        whole_bundle(state.settings.avatars_dir, "ada")
        await shelf.end(job, "done")
        made = await making
        assert made.id == "ada" and made.consent
        assert told == [
            ("open", "running", 0.5),
            ("open", "done", 1),
            ("face", "running", 0.5),
            ("face", "done", 1),
        ]
        assert shelf.sent[job] == (JPEG, PNG)
        order = shelf.all()[0].order
        assert (order.provenance.source, order.name, order.background) == ("home", "Ada", "picture")


async def test_a_refusal_is_raised_with_its_code(calling):
    async with calling() as (client, shelf, _):
        with pytest.raises(ApiError) as refused:
            await client.create_avatar(b"%PDF", consent="me")
        assert (refused.value.status, refused.value.code) == (422, "not_an_image")
        making = asyncio.create_task(client.create_avatar(JPEG, consent="me"))
        await shelf.end((await shelf.newest()).id, "failed", "no_face", "There is no face in this photo.")
        with pytest.raises(ApiError, match="There is no face") as refused:
            await making
        assert refused.value.code == "no_face"


async def test_who_stops_waiting_stops_the_job(calling):
    async with calling() as (client, shelf, _):
        making = asyncio.create_task(client.create_avatar(JPEG, consent="me"))
        await shelf.newest()
        await asyncio.sleep(0.05)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        assert shelf.all()[0].status == "cancelled"


async def test_a_job_is_followed_seen_listed_and_cancelled(calling):
    async with calling() as (client, shelf, _):
        job = await client.order_avatar(JPEG, consent="me", avatar="ada", background="blur", loop_only=False)
        await shelf.change(job.id, "open", 1, b"picture")
        assert (await job.get()).status == "running"
        assert await job.preview("open") == b"picture"
        assert [one.id for one in await client.jobs()] == [job.id]
        await client.cancel_job(job.id)
        with pytest.raises(ApiError) as refused:
            await job.wait()
        assert refused.value.code == "job_cancelled"
        await job.delete()
        assert await client.jobs() == []
        with pytest.raises(ApiError) as refused:
            await job.get()
        assert refused.value.code == "job_not_found"


async def test_addresses_go_as_addresses_and_never_with_files(calling):
    async with calling() as (client, shelf, _):
        with pytest.raises(ApiError) as refused:
            await client.create_avatar("http://127.0.0.1:1/x.jpg", consent="me")
        assert refused.value.code == "fetch_refused"
        for file, backdrop in ((JPEG, "https://a.example/b.png"), ("https://a.example/x.jpg", PNG)):
            with pytest.raises(ValueError, match="address"):
                await client.create_avatar(file, consent="me", backdrop=backdrop)
        assert shelf.all() == []
