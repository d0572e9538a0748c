import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import av
import numpy as np
import pytest

from streaming.timing import SPEECH_RATE
from tests.server.conftest import API_KEY, Still
from tests.support.listener import HearingPerformer
from tests.support.recordings import encoded, playlists, tone, wav, wav_of

SOUND = {"Content-Type": "audio/wav"}


@pytest.fixture
def rendering(still, monkeypatch):
    """A server whose renders run, with a face that needs no network."""
    monkeypatch.setattr("server.state.LocalPerformer", HearingPerformer)

    @asynccontextmanager
    async def make(**settings) -> AsyncIterator[Still]:
        async with still(**settings) as server:
            await server.state.renders.start()
            yield server

    return make


def kept(server: Still) -> list[str]:
    """Names of what is kept of all jobs."""
    folder = server.state.settings.jobs_dir
    return sorted(path.name for job in folder.glob("r_*") for path in job.iterdir())


async def test_a_recording_becomes_a_film_with_its_sound_and_no_captions(rendering):
    values = np.random.default_rng(5).integers(-9000, 9000, SPEECH_RATE, np.int16)
    async with rendering() as server:
        answer = await server.http.post(
            "/v1/renders/audio?avatar=theo&seed=3", content=wav_of(values.tobytes()), headers=SOUND
        )
        assert answer.status_code == 202, answer.text
        made = answer.json()
        assert answer.headers["location"] == f"/v1/renders/{made['id']}"
        assert (made["kind"], made["avatar"]) == ("audio", "theo")
        assert made["status"] in {"queued", "running"}
        owner = {"Authorization": f"Bearer {made['token']}"}
        done = (await server.http.get(f"/v1/renders/{made['id']}?wait=30", headers=owner)).json()
        assert (done["status"], done["seconds"], done["progress"]) == ("done", 1.0, 1.0), done
        assert done["captions_url"] is None
        film = await server.http.get(done["result_url"])
        path = server.state.settings.data_dir / "film.mp4"
        path.write_bytes(film.content)
        with av.open(str(path)) as container:
            assert sorted(stream.type for stream in container.streams) == ["audio", "video"]
        captions = await server.http.get(f"/v1/renders/{made['id']}/captions.vtt", headers=owner)
        assert (captions.status_code, captions.text) == (200, "WEBVTT\n")
        performer = server.state.performer
        assert isinstance(performer, HearingPerformer)
        (request,) = performer.requests
        assert (request.kind, request.avatar, request.seed) == ("audio", "theo", 3)
        heard = np.concatenate(performer.pieces[1])
        assert np.array_equal(heard, values.astype(np.float32) / 32_768)
        assert kept(server) == ["video.mp4"], "the recording is gone with the work on it"


async def test_a_form_is_a_recording_too(rendering):
    data = encoded(tone(44_100, 0.3), 44_100, "ipod", "aac", "fltp", "stereo")
    async with rendering() as server:
        answer = await server.http.post("/v1/renders/audio", files={"file": ("a.m4a", data, "audio/mp4")})
        assert answer.status_code == 202, answer.text
        job = server.state.renders.get(answer.json()["id"])
        await server.state.renders.wait(job, 30)
        assert job.status == "done", job.message


BAD = [
    ("", SOUND, b"", 422, "script_rejected"),
    ("", SOUND, b"no sound", 422, "script_rejected"),
    ("", SOUND, playlists("/etc/hostname")["ffconcat"], 422, "script_rejected"),
    ("", {"Content-Type": "application/json"}, b'{"text": "x"}', 415, "unsupported_media_type"),
    ("?avatar=nobody", SOUND, b"x", 404, "avatar_not_found"),
    ("?avatar=../x", SOUND, b"x", 422, "invalid_request"),
    ("?seed=-1", SOUND, b"x", 422, "invalid_request"),
]


async def test_what_cannot_be_rendered_is_refused_before_it_waits(rendering):
    async with rendering() as server:
        for query, headers, body, status, code in BAD:
            answer = await server.http.post(f"/v1/renders/audio{query}", content=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, code), query
        assert server.state.renders.all() == []
        assert kept(server) == []


async def test_recordings_that_wait_are_few_and_go_with_their_jobs(still):
    data = wav(tone(SPEECH_RATE, 0.1))
    async with still(render_queue=1) as server:
        answers = await asyncio.gather(
            *(server.http.post("/v1/renders/audio", content=data, headers=SOUND) for _ in range(4))
        )
        assert sorted(answer.status_code for answer in answers) == [202, 202, 503, 503]
        first, second = server.state.renders.all()
        assert [path.name for path in second.folder.glob("source")] == ["source"]
        await server.state.renders.cancel(first)
        assert list(first.folder.iterdir()) == []
        assert (await server.http.post("/v1/renders/audio", content=data, headers=SOUND)).status_code == 202
        await server.state.renders.cancel(second)
        assert list(second.folder.iterdir()) == []
        await server.state.renders.forget(second)
        assert not second.folder.exists()


async def test_a_failed_render_keeps_nothing(rendering, monkeypatch):
    async def broken(*_: object):
        raise RuntimeError("secret detail")

    async with rendering() as server:
        monkeypatch.setattr(server.state.jobs._work, "_renderer", broken)
        answer = await server.http.post(
            "/v1/renders/audio", content=wav(tone(SPEECH_RATE, 0.1)), headers=SOUND
        )
        job = server.state.renders.get(answer.json()["id"])
        await server.state.renders.wait(job, 10)
        assert (job.status, job.code) == ("failed", "internal_error")
        assert "secret" not in (job.message or "")
        assert kept(server) == []


async def test_a_full_disk_is_said(rendering, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with rendering() as server:
        monkeypatch.setattr("server.jobs.durable.shutil.copyfileobj", full)
        answer = await server.http.post(
            "/v1/renders/audio", content=wav(tone(SPEECH_RATE, 0.1)), headers=SOUND
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "capacity_reached")
        assert "No space" in answer.json()["detail"]
        assert kept(server) == []


async def test_rendering_a_recording_needs_the_key(rendering):
    data = wav(tone(SPEECH_RATE, 0.1))
    async with rendering(api_key=API_KEY) as server:
        assert (await server.http.post("/v1/renders/audio", content=data, headers=SOUND)).status_code == 401
        answer = await server.http.post(
            "/v1/renders/audio", content=data, headers=SOUND | {"X-API-Key": API_KEY}
        )
        assert answer.status_code == 202
