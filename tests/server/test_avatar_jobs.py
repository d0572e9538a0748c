"""Avatars through the whole server: its jobs process, stages in processes of their own, and the performer."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from avatars.store import BUILTIN_ROOT
from server.client import ApiError, JobClient, JobStep, LipstreamClient
from tests.server.conftest import Live, serving

PHOTO = BUILTIN_ROOT / "sources" / "theo.png"
PATIENCE = 120
"""Seconds that a step may take on a machine that has much to do."""


def landscape() -> bytes:
    """Hills under a sky: a picture without anybody."""
    rows, columns = np.mgrid[0:480, 0:640]
    hill = rows > 260 + 60 * np.sin(columns / 90)
    picture = np.where(hill[..., None], (60, 120, 50), (120, 170, 230)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG")
    return buffer.getvalue()


@asynccontextmanager
async def files_at(**files: bytes) -> AsyncIterator[str]:
    """The address of a small web server on this machine."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode().strip("/").partition("?")[0]
        body = files.get(path, b"")
        status = "200 OK" if path in files else "404 Not Found"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        )
        writer.write(body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def watched(is_so: Callable[[], bool]) -> None:
    """Return when something of the server's is so."""
    for _ in range(500):
        if is_so():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to it")


async def until(job: JobClient, step: str) -> None:
    """Return when a step of a job is done."""
    reached = asyncio.Event()

    def told(one: JobStep) -> None:
        if one.name == step and one.status == "done":
            reached.set()

    following = asyncio.create_task(job.wait(told))
    coming = asyncio.create_task(reached.wait())
    await asyncio.wait((following, coming), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    coming.cancel()
    following.cancel()
    ended = await asyncio.gather(following, return_exceptions=True)
    assert reached.is_set(), ended


async def test_a_photo_becomes_somebody_who_talks_even_when_the_server_is_started_again(tmp_path: Path):
    async with serving(tmp_path) as server, LipstreamClient(server.url) as client:
        job = await client.order_avatar(PHOTO, consent="He was rendered.", name="Théo 2")
        with pytest.raises(ApiError) as refused:
            await client.order_avatar(PHOTO, consent="He was rendered.", avatar=job.avatar)
        assert (refused.value.status, refused.value.code) == (409, "avatar_exists")
        await until(job, "face")
    async with serving(tmp_path) as server, LipstreamClient(server.url) as client:
        job = await client.job(job.id, job.token)
        ended = await job.wait()
        assert {step.status for step in ended.steps} <= {"done", "skipped"}
        pictures = [await job.preview(step.name) for step in ended.steps if step.preview_url]
        assert len(pictures) >= 3
        for picture in pictures:
            with Image.open(io.BytesIO(picture)) as opened:
                assert opened.format == "WEBP" and max(opened.size) <= 960
        made = await client.avatar(job.avatar)
        assert (made.id, made.name, made.source) == ("theo-2", "Théo 2", "theo.png")
        assert made.consent == "He was rendered." and not made.builtin
        assert made.id in {avatar.id for avatar in await client.avatars()}
        async with httpx.AsyncClient(base_url=server.url) as http:
            assert made.report_url and made.steps_url
            assert (await http.get(made.report_url)).json()
            assert (await http.get(made.steps_url)).content[8:12] == b"WEBP"
        render = await client.create_render("Hello.", avatar=made.id)
        await render.wait()
        film = await render.download(tmp_path / "hello.mp4")
        assert film.stat().st_size > 20_000
        await job.delete()
        assert await client.jobs() == []
        assert made.id in {avatar.id for avatar in await client.avatars()}, "the avatar stays"


async def test_what_only_looking_tells_ends_the_job_and_cancelling_leaves_nothing(tmp_path: Path):
    async with (
        serving(tmp_path, fetch_private=True) as server,
        LipstreamClient(server.url) as client,
        files_at(hills=landscape()) as address,
    ):
        told: list[JobStep] = []
        with pytest.raises(ApiError) as refused:
            await client.create_avatar(
                f"{address}/hills?key=1", consent="Hills.", avatar="hills", on_step=told.append
            )
        assert refused.value.code == "no_face", refused.value
        assert next(step for step in told if step.status == "failed").name == "face"
        (job,) = await client.jobs()
        assert (job.status, job.code, job.avatar) == ("failed", "no_face", "hills")
        with pytest.raises(ApiError) as refused:
            await client.create_avatar(f"{address}/none", consent="Nobody.")
        assert (refused.value.status, refused.value.code) == (502, "fetch_failed")

        going = await client.order_avatar(PHOTO, consent="He was rendered.", avatar="hills")
        await until(going, "open")
        await going.delete()
        assert (await going.get()).status == "cancelled"
        await going.delete()
        assert "hills" not in {avatar.id for avatar in await client.avatars()}
        assert not (tmp_path / "jobs" / going.id).exists()


@pytest.mark.asyncio(loop_scope="session")
async def test_a_sender_that_hangs_up_in_the_middle_leaves_nothing(live: Live):
    uploads = live.state.uploads
    before = len(live.state.jobs.all("avatar"))
    host, port = live.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /v1/avatars HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(3_000_000)
    )
    await writer.drain()
    await watched(lambda: uploads._count == 1)
    writer.close()
    await watched(lambda: uploads._count == 0)
    assert len(live.state.jobs.all("avatar")) == before
