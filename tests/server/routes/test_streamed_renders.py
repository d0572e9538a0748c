import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from server.jobs import RenderJob
from server.routes import audio as audio_routes
from server.routes import streamed_renders
from streaming.audio.feed import WAITING_SECONDS, SoundFeed
from streaming.errors import PerformerLost
from streaming.timing import SPEECH_RATE
from tests.server.conftest import API_KEY, Still
from tests.support.listener import HearingPerformer
from tests.support.recordings import tone

PCM = {"Content-Type": "application/octet-stream"}
PATH = "/v1/renders/pcm"
MINE = "r_0123456789abcdef"
TOKEN = "a-token-that-the-sender-chose"
OWNER = {"Authorization": f"Bearer {TOKEN}"}


class House:
    def __init__(self, server: Still) -> None:
        self.http, self.state = server.http, server.state

    @property
    def performer(self) -> HearingPerformer:
        assert isinstance(self.state.performer, HearingPerformer)
        return self.state.performer

    @property
    def heard(self) -> NDArray[np.float32]:
        """All that the performer was given."""
        return np.concatenate([piece for pieces in self.performer.pieces.values() for piece in pieces])

    @property
    def kept(self) -> list[str]:
        return sorted(path.suffix for path in self.state.settings.renders_dir.iterdir())

    async def post(
        self, body: bytes | AsyncIterator[bytes], query: str = "", **headers: str
    ) -> httpx.Response:
        return await self.http.post(PATH + query, content=body, headers=PCM | headers, timeout=20)

    async def ended(self, job: RenderJob) -> RenderJob:
        async with asyncio.timeout(20):
            await self.state.renders.until_ended(job)
        return job


@pytest.fixture
def house(still, monkeypatch):
    """A server whose renders run, with a face that needs no network."""
    monkeypatch.setattr("server.state.LocalPerformer", HearingPerformer)

    @asynccontextmanager
    async def make(**settings) -> AsyncIterator[House]:
        async with still(**settings) as server:
            await server.state.renders.start()
            yield House(server)

    return make


def noise(seconds: float) -> bytes:
    values = np.random.default_rng(7).integers(-9000, 9000, round(seconds * SPEECH_RATE), np.int16)
    return values.tobytes()


class Sender:
    """A body that is sent step by step."""

    def __init__(self, *first: bytes) -> None:
        self.parts: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._heard = asyncio.Event()
        for part in first:
            self.parts.put_nowait(part)

    def end(self) -> None:
        self.parts.put_nowait(None)

    async def body(self) -> AsyncIterator[bytes]:
        while (part := await self.parts.get()) is not None:
            yield part
            self._heard.set()

    async def heard(self) -> None:
        """Return when the server has taken the first part."""
        async with asyncio.timeout(10):
            await self._heard.wait()


async def test_the_film_is_made_while_its_sound_comes(house):
    sender = Sender(noise(2.0))
    async with house() as place:
        sending = asyncio.create_task(place.post(sender.body(), "?avatar=theo&seed=3"))
        await sender.heard()
        (job,) = place.state.renders.all()
        async with asyncio.timeout(10):
            await place.performer.hears.wait()
        (listed,) = (await place.http.get("/v1/renders")).json()["renders"]
        assert (listed["id"], listed["kind"], listed["status"]) == (job.id, "audio", "running")
        assert (listed["progress"], listed["result_url"]) == (0.0, None)
        sender.parts.put_nowait(noise(0.5))
        sender.end()
        answer = await sending
        made = answer.json()
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == f"/v1/renders/{made['id']}" == f"/v1/renders/{job.id}"
        assert (made["kind"], made["avatar"], made["code"]) == ("audio", "theo", None)
        owner = {"Authorization": f"Bearer {made['token']}"}
        done = (await place.http.get(f"/v1/renders/{made['id']}?wait=30", headers=owner)).json()
        assert (done["status"], done["seconds"], done["progress"]) == ("done", 2.52, 1.0), done
        assert done["captions_url"] is None
        film = await place.http.get(done["result_url"])
        assert film.headers["content-type"] == "video/mp4"
        sent = np.frombuffer(noise(2.0) + noise(0.5), "<i2").astype(np.float32) / 32_768
        assert np.array_equal(place.heard, sent)
        (request,) = place.performer.requests
        assert (request.kind, request.avatar, request.seed) == ("audio", "theo", 3)


S16 = (tone(16_000, 0.7) * 32_767).astype("<i2").tobytes()
F32 = tone(48_000, 0.7).astype("<f4").tobytes()


@pytest.mark.parametrize(
    ("query", "data", "size"),
    [
        ("?sample_rate=16000", S16, 640),
        ("?sample_rate=16000", S16, 333),
        ("?encoding=pcm_f32le&sample_rate=48000", F32, 3840),
        ("?encoding=pcm_f32le&sample_rate=48000", F32, 1),
    ],
)
async def test_pcm_of_any_kind_in_any_pieces_is_heard_as_it_is(house, query: str, data: bytes, size: int):
    data = data[: 8_001 * size]

    async def body() -> AsyncIterator[bytes]:
        for start in range(0, len(data), size):
            yield data[start : start + size]

    async with house() as place:
        answers = [await place.post(body(), query), await place.post(data, query)]
        jobs = [await place.ended(place.state.renders.get(answer.json()["id"])) for answer in answers]
        in_pieces, whole = (job.path.read_bytes() for job in jobs)
        assert in_pieces == whole
        assert float(np.abs(place.heard).max()) == pytest.approx(0.5, rel=0.05)


BAD = [
    ("", PCM, b"", 422, "script_rejected"),
    ("", PCM, b"x", 422, "script_rejected"),
    ("", {"Content-Type": "text/plain"}, b"xx", 415, "unsupported_media_type"),
    ("", {"Content-Type": "multipart/form-data; boundary=b"}, b"--b--\r\n", 415, "unsupported_media_type"),
    ("?encoding=mp3", PCM, b"xx", 422, "invalid_request"),
    ("?sample_rate=96000", PCM, b"xx", 422, "invalid_request"),
    ("?seed=-1", PCM, b"xx", 422, "invalid_request"),
    ("?avatar=nobody", PCM, b"xx", 404, "avatar_not_found"),
    ("?avatar=../x", PCM, b"xx", 422, "invalid_request"),
    ("?render=../../x", PCM, b"xx", 422, "invalid_request"),
    ("?render=r_short", PCM, b"xx", 422, "invalid_request"),
    ("", PCM | {"Render-Token": "short"}, b"xx", 422, "invalid_request"),
    ("?encoding=pcm_f32le", PCM, noise(0.1) + b"\x00\x00\xc0\x7f" * 100, 422, "script_rejected"),
]


async def test_what_cannot_be_rendered_is_a_problem_and_leaves_nothing(house):
    async with house() as place:
        for query, headers, body, status, code in BAD:
            answer = await place.http.post(PATH + query, content=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (
                query,
                headers,
                answer.text,
            )
            assert len(answer.json()["detail"]) > 10
        assert place.state.renders.all() == []
        assert place.kept == []


async def test_an_announced_length_that_is_too_much_is_refused_at_once(house):
    async with house() as place:
        bytes_per_minute = 60 * 2 * SPEECH_RATE
        headers = {"Content-Length": str(30 * bytes_per_minute + 2)}
        answer = await place.post(b"", **headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert "30 minutes" in answer.json()["detail"]
        assert place.state.renders.all() == []


async def test_of_a_stream_that_never_ends_the_first_part_is_kept(house, monkeypatch):
    monkeypatch.setattr(streamed_renders, "SoundFeed", lambda: SoundFeed(max_seconds=1.0))

    async def body() -> AsyncIterator[bytes]:
        while True:
            yield noise(0.3)
            await asyncio.sleep(0)

    async with house() as place:
        answer = await place.post(body())
        assert (answer.status_code, answer.json()["code"]) == (202, "sound_too_long")
        assert answer.headers["connection"] == "close"
        job = await place.ended(place.state.renders.get(answer.json()["id"]))
        assert (job.status, job.result and job.result.seconds, job.code) == ("done", 1.0, "sound_too_long")


async def test_of_a_stream_that_stops_coming_what_came_is_kept(house, monkeypatch):
    monkeypatch.setattr(audio_routes, "PAUSE_SECONDS", 0.2)
    async with house() as place:
        answer = await place.post(Sender(noise(1.0)).body())
        assert (answer.status_code, answer.json()["code"]) == (202, "sound_stopped")
        assert "silence" in answer.json()["message"]
        job = await place.ended(place.state.renders.get(answer.json()["id"]))
        assert (job.status, job.result and job.result.seconds) == ("done", 1.0)
        answer = await place.post(Sender().body())
        assert (answer.status_code, answer.json()["code"]) == (422, "script_rejected")


async def test_of_a_stream_that_breaks_off_what_came_is_kept_for_its_sender(house):
    sent: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    sent.put_nowait({"type": "http.request", "body": noise(1.0), "more_body": True})
    sent.put_nowait({"type": "http.disconnect"})
    async with house() as place:
        query = f"render={MINE}".encode()
        headers = [(b"host", b"localhost"), (b"render-token", TOKEN.encode())]
        scope = {
            **{"type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(), "root_path": ""},
            **{"query_string": query, "headers": headers, "http_version": "1.1", "scheme": "http"},
        }
        transport = place.http._transport
        assert isinstance(transport, httpx.ASGITransport)

        async def unheard(_: object) -> None:
            pass

        await transport.app(scope, sent.get, unheard)
        (job,) = place.state.renders.all()
        await place.ended(job)
        render = (await place.http.get(f"/v1/renders/{MINE}", headers=OWNER)).json()
        assert (render["status"], render["seconds"], render["code"]) == ("done", 1.0, "sound_broke_off")
        assert (await place.http.get(render["result_url"])).status_code == 200


async def test_a_render_is_cancelled_while_its_sound_comes(house):
    sender = Sender(noise(2.0))
    async with house() as place:
        sending = asyncio.create_task(place.post(sender.body(), f"?render={MINE}", **{"Render-Token": TOKEN}))
        await sender.heard()
        assert (await place.http.delete(f"/v1/renders/{MINE}")).status_code == 401
        again = await place.post(noise(0.1), f"?render={MINE}")
        assert (again.status_code, again.json()["code"]) == (409, "render_exists")
        assert (await place.http.delete(f"/v1/renders/{MINE}", headers=OWNER)).status_code == 204
        answer = await sending
        assert (answer.status_code, answer.json()["code"]) == (409, "render_cancelled")
        assert (await place.http.get(f"/v1/renders/{MINE}", headers=OWNER)).json()["status"] == "cancelled"
        assert place.kept == []


async def test_a_performer_that_dies_is_told_while_the_sound_comes(house, monkeypatch):
    async def dies(*_: object):
        raise PerformerLost("The performer died. Say it once more.")
        yield

    async with house() as place:
        monkeypatch.setattr(place.state.performer, "perform", dies)
        answer = await place.post(Sender(noise(0.5)).body())
        assert (answer.status_code, answer.json()["code"]) == (503, "performer_lost")
        (job,) = place.state.renders.all()
        assert job.status == "failed"
        assert place.kept == []


async def test_a_sender_that_is_faster_than_the_renderer_is_held_up(house, monkeypatch):
    sent, go = 0, asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(60):
            yield noise(1.0)
            sent += 1

    async with house() as place:
        perform = place.performer.perform

        async def slow(request, script):
            await go.wait()
            async for item in perform(request, script):
                yield item

        monkeypatch.setattr(place.state.performer, "perform", slow)
        sending = asyncio.create_task(place.post(body()))
        before = -1
        async with asyncio.timeout(10):
            while sent == 0 or sent != before:
                before = sent
                await asyncio.sleep(0.1)
        assert sent <= WAITING_SECONDS + 2
        go.set()
        assert (await sending).status_code == 202
        assert sent == 60


async def test_so_many_at_once_beside_the_queue(house):
    senders = [Sender(noise(0.3)) for _ in range(3)]
    async with house(render_streams=2) as place:
        sending = [asyncio.create_task(place.post(sender.body())) for sender in senders[:2]]
        await asyncio.gather(*(sender.heard() for sender in senders[:2]))
        answer = await place.post(senders[2].body())
        assert (answer.status_code, answer.json()["code"]) == (503, "capacity_reached")
        assert int(answer.headers["retry-after"]) > 0
        text = (await place.http.post("/v1/renders", json={"text": "Hello there"})).json()
        job = await place.ended(place.state.renders.get(text["id"]))
        assert job.status == "done", "streams that wait for their sound hold up nobody"
        for sender in senders[:2]:
            sender.end()
        assert [answer.status_code for answer in await asyncio.gather(*sending)] == [202, 202]
        for job in place.state.renders.all():
            await place.ended(job)
        assert (await place.post(noise(0.2))).status_code == 202


async def test_rendering_a_stream_needs_the_key(house):
    async with house(api_key=API_KEY) as place:
        assert (await place.post(noise(0.1))).status_code == 401
        assert (await place.post(noise(0.1), **{"X-API-Key": API_KEY})).status_code == 202


async def test_closing_the_server_ends_a_stream(house):
    async with house() as place:
        sender = Sender(noise(1.0))
        sending = asyncio.create_task(place.post(sender.body()))
        await sender.heard()
        (job,) = place.state.renders.all()
        await place.state.renders.close()
        assert job.status == "cancelled"
        assert (await sending).status_code == 409
        assert place.kept == []
