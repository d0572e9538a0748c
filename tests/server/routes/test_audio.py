import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from server import middleware, recordings, uploads
from server.routes import audio as audio_routes
from server.state import State
from streaming.protocol import UtteranceEnded, UtteranceStarted
from streaming.session import Session
from streaming.timing import SPEECH_RATE
from tests.support.listener import AwaitedSink, HearingPerformer
from tests.support.recordings import encoded, playlists, tone, wav, wav_of

SOUND = {"Content-Type": "audio/wav"}
PCM = {"Content-Type": "application/octet-stream"}


class House:
    def __init__(self, http: httpx.AsyncClient, state: State, session: Session, sink: AwaitedSink) -> None:
        self.http, self.state, self.session, self.sink = http, state, session, sink
        self.path = f"/v1/sessions/{session.id}/say"
        self.owner = {"Authorization": f"Bearer {session.token}"}

    @property
    def performer(self) -> HearingPerformer:
        assert isinstance(self.state.performer, HearingPerformer)
        return self.state.performer

    @property
    def heard(self) -> NDArray[np.float32]:
        """All that the performer got of the newest utterance."""
        return np.concatenate(self.performer.pieces[max(self.performer.pieces)])

    async def post(self, path: str, headers: dict[str, str], **options) -> httpx.Response:
        return await self.http.post(self.path + path, headers=self.owner | headers, timeout=20, **options)

    async def ended(self, count: int = 1) -> list[UtteranceEnded]:
        return await self.sink.until(UtteranceEnded, count)


@pytest.fixture
def house(still, monkeypatch):
    monkeypatch.setattr("server.state.LocalPerformer", HearingPerformer)

    @asynccontextmanager
    async def make(**settings) -> AsyncIterator[House]:
        async with still(**settings) as server:
            session = await server.state.sessions.create("mira")
            sink = AwaitedSink()
            session.attach(sink)
            yield House(server.http, server.state, session, sink)

    return make


def noise(seconds: float) -> NDArray[np.int16]:
    return np.random.default_rng(7).integers(-9000, 9000, round(seconds * SPEECH_RATE), np.int16)


async def test_a_recording_is_said_sample_for_sample(house):
    values = noise(0.5)
    async with house() as place:
        answer = await place.post("/audio", SOUND, content=wav_of(values.tobytes()))
        assert answer.status_code == 202
        assert answer.json() == {"utterance": "u1", "generation": 0, "seconds": 0.5}
        (end,) = await place.ended()
        assert (end.utterance, end.reason) == ("u1", "completed")
        assert end.spoken_seconds == pytest.approx(0.52, abs=0.021)
        assert np.array_equal(place.heard, values.astype(np.float32) / 32_768)
        (request,) = place.performer.requests
        assert request.kind == "audio"
        (started,) = await place.sink.until(UtteranceStarted)
        assert started.engine == "audio"


@pytest.mark.parametrize("kind", ["audio/mpeg", "video/webm", "application/octet-stream", None, "form"])
async def test_a_recording_comes_in_any_of_the_usual_ways(house, kind: str | None):
    data = encoded(tone(44_100, 0.4), 44_100, "mp3", "libmp3lame", "fltp", "stereo")
    async with house() as place:
        if kind == "form":
            answer = await place.post("/audio", {}, files={"file": ("a b.mp3", data, "audio/mpeg")})
        else:
            answer = await place.post("/audio", {"Content-Type": kind} if kind else {}, content=data)
        assert answer.status_code == 202, answer.text
        assert answer.json()["seconds"] == pytest.approx(0.4, abs=0.1)
        (end,) = await place.ended()
        assert end.reason == "completed"
        assert place.heard.size == pytest.approx(0.4 * SPEECH_RATE, rel=0.15)


async def test_a_large_form_goes_by_the_disk(house):
    values = noise(60.0)
    async with house() as place:
        answer = await place.post("/audio", {}, files={"speech": ("x.wav", wav_of(values.tobytes()))})
        assert (answer.status_code, answer.json()["seconds"]) == (202, 60.0)


async def test_recordings_queue_take_names_and_interrupt(house):
    data = wav(tone(SPEECH_RATE, 0.3))
    async with house() as place:
        for name in ("one", "two"):
            answer = await place.post(f"/audio?utterance={name}", SOUND, content=data)
            assert answer.json()["utterance"] == name
        assert [end.utterance for end in await place.ended(2)] == ["one", "two"]
        await place.post("/audio?utterance=long", SOUND, content=wav(tone(SPEECH_RATE, 30.0)))
        answer = await place.post("/audio?interrupt=true", SOUND, content=data)
        assert answer.json()["generation"] == 1
        ends = await place.ended(4)
        assert (ends[2].utterance, ends[2].reason) == ("long", "interrupted")
        assert ends[3].reason == "completed"


async def test_a_file_that_cannot_be_used_interrupts_nothing(house):
    async with house() as place:
        await place.post("/audio", SOUND, content=wav(tone(SPEECH_RATE, 5.0)))
        answer = await place.post("/audio?interrupt=true", SOUND, content=b"no sound")
        assert (answer.status_code, answer.json()["code"]) == (422, "script_rejected")
        assert place.session.generation == 0


BAD = [
    ("/audio", {"Content-Type": "text/plain"}, b"x", 415, "unsupported_media_type"),
    ("/audio", {"Content-Type": "application/x-www-form-urlencoded"}, b"x", 415, "unsupported_media_type"),
    ("/audio", {"Content-Type": "application/json"}, b"{}", 415, "unsupported_media_type"),
    ("/audio", SOUND, b"", 422, "script_rejected"),
    ("/audio", SOUND, b"RIFF", 422, "script_rejected"),
    ("/audio", SOUND, playlists("/etc/hostname")["ffconcat"], 422, "script_rejected"),
    ("/audio?utterance=a b", SOUND, b"x", 422, "invalid_request"),
    ("/audio?interrupt=perhaps", SOUND, b"x", 422, "invalid_request"),
    ("/audio", {"Content-Type": "multipart/form-data"}, b"x", 400, "bad_request"),
    ("/audio", {"Content-Type": "multipart/form-data; boundary=b"}, b"x", 400, "bad_request"),
    ("/audio", {"Content-Type": "multipart/form-data; boundary=b"}, b"--b--\r\n", 422, "invalid_request"),
    ("/pcm", {"Content-Type": "text/plain"}, b"x", 415, "unsupported_media_type"),
    ("/pcm?encoding=mp3", PCM, b"x", 422, "invalid_request"),
    ("/pcm?sample_rate=0", PCM, b"x", 422, "invalid_request"),
    ("/pcm?sample_rate=1e9", PCM, b"x", 422, "invalid_request"),
    ("/pcm?end_after_silence=nan", PCM, b"x", 422, "invalid_request"),
    ("/pcm?encoding=pcm_f32le", PCM, b"\x00\x00\xc0\x7f" * 100, 422, "script_rejected"),
]


async def test_what_cannot_be_said_is_a_problem(house):
    async with house() as place:
        for path, headers, body, status, code in BAD:
            answer = await place.post(path, headers, content=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (path, headers, answer.text)
            assert len(answer.json()["detail"]) > 10


async def test_a_form_with_options_or_several_files_is_told_what_to_do(house):
    data = wav(tone(SPEECH_RATE, 0.1))
    async with house() as place:
        answer = await place.post("/audio", {}, files={"file": data}, data={"interrupt": "true"})
        assert answer.status_code == 422
        assert "?name=value" in answer.json()["detail"]
        answer = await place.post("/audio", {}, files=[("a", data), ("b", data)])
        assert answer.status_code == 400
        assert "one" in answer.json()["detail"].lower() or "1" in answer.json()["detail"]
        assert not place.performer.requests


async def test_only_the_owner_says_anything(house):
    async with house() as place:
        for path in ("/audio", "/pcm"):
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                answer = await place.http.post(place.path + path, content=b"x", headers=PCM | headers)
                assert answer.status_code == 401


async def test_a_recording_has_a_limit_of_its_own(house):
    body = b"x" * 8192
    async with house(max_body_bytes=4096, max_audio_bytes=16_384) as place:
        assert (await place.post("/audio", SOUND, content=body)).status_code == 422, "it is read"
        limit = 16_384 + audio_routes.FORM_BYTES

        async def parts() -> AsyncIterator[bytes]:
            for _ in range(limit // 8192 + 1):
                yield body

        answer = await place.post("/audio", SOUND, content=b"x" * (limit + 1))
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert (await place.post("/audio", SOUND, content=parts())).status_code == 413
        assert (await place.post("/audio", {}, files={"file": b"x" * (limit + 1)})).status_code == 413
        said = await place.http.post(place.path, content=body, headers=place.owner)
        assert said.status_code == 413, "everything else stays small"


async def test_only_so_many_uploads_and_decoders_at_once(house, monkeypatch):
    held = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"RIFF"
        await held.wait()

    monkeypatch.setattr(uploads, "MAX_UPLOADS", 1)
    async with house() as place:
        first = asyncio.create_task(place.post("/audio", SOUND, content=slow()))
        await asyncio.sleep(0.05)
        answer = await place.post("/audio", SOUND, content=b"RIFF")
        assert (answer.status_code, answer.json()["code"]) == (503, "capacity_reached")
        held.set()
        assert (await first).status_code == 422
        monkeypatch.setattr(recordings, "MAX_RECORDINGS", 0)
        answer = await place.post("/audio", SOUND, content=wav(tone(SPEECH_RATE)))
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0


async def test_a_stream_is_spoken_before_its_body_ends(house):
    spoken = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield noise(1.0).tobytes()
        await place.sink.until(UtteranceStarted)
        spoken.set()
        yield noise(0.2).tobytes()[:-1]

    async with house() as place:
        answer = await place.post("/pcm?utterance=flow", PCM, content=body())
        assert spoken.is_set()
        assert answer.status_code == 202
        assert answer.json()["utterance"] == "flow"
        assert answer.json()["seconds"] == pytest.approx(1.2, abs=0.001)
        (end,) = await place.ended()
        assert end.spoken_seconds == pytest.approx(1.2, abs=0.05)
        wanted = np.concatenate([noise(1.0), noise(0.2)[:-1]]).astype(np.float32) / 32_768
        assert np.array_equal(place.heard, wanted)


@pytest.mark.parametrize(
    ("query", "data", "seconds"),
    [
        ("sample_rate=16000", (tone(16_000, 0.4) * 32_767).astype("<i2").tobytes(), 0.4),
        ("encoding=pcm_f32le&sample_rate=48000", tone(48_000, 0.4).astype("<f4").tobytes(), 0.4),
        ("live=true", (tone(24_000, 0.4) * 32_767).astype("<i2").tobytes(), 0.4),
    ],
)
async def test_pcm_of_other_kinds_is_heard_as_it_is(house, query: str, data: bytes, seconds: float):
    async with house() as place:
        answer = await place.post(f"/pcm?{query}", PCM, content=data)
        assert answer.status_code == 202, answer.text
        assert answer.json()["seconds"] == pytest.approx(seconds, abs=0.01)
        (end,) = await place.ended()
        assert end.reason == "completed"
        assert float(np.abs(place.heard).max()) == pytest.approx(0.5, rel=0.05)


async def test_a_sender_that_is_faster_than_speech_is_held_up(house):
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            yield bytes(SPEECH_RATE * 2)
            sent += 1

    async with house() as place:
        sending = asyncio.create_task(place.post("/pcm", PCM, content=body()))
        before = -1
        async with asyncio.timeout(20):
            while sent == 0 or sent != before:
                before = sent
                await asyncio.sleep(0.3)
        assert 30 < sent < 120, "a minute and a bit is taken at once"
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_a_stream_that_is_interrupted_may_end_in_peace(house):
    async def body() -> AsyncIterator[bytes]:
        yield noise(0.5).tobytes()
        await place.sink.until(UtteranceStarted)
        await place.session.interrupt()
        yield noise(0.5).tobytes()

    async with house() as place:
        answer = await place.post("/pcm", PCM, content=body())
        assert (answer.status_code, answer.json()["generation"]) == (202, 1)
        (end,) = await place.ended()
        assert end.reason == "interrupted"


async def test_a_stream_that_stops_coming_is_closed_and_said(house, monkeypatch):
    monkeypatch.setattr(audio_routes, "PAUSE_SECONDS", 0.1)
    held = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield noise(0.3).tobytes()
        await held.wait()

    async with house() as place:
        answer = await place.post("/pcm", PCM, content=body())
        assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")
        (end,) = await place.ended()
        assert (end.reason, place.heard.size) == ("completed", round(0.3 * SPEECH_RATE))


async def test_a_live_stream_may_last_longer_than_any_other_body(house, monkeypatch):
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.05)

    async def body() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield noise(0.04).tobytes()
            await asyncio.sleep(0.04)

    async with house() as place:
        answer = await place.post("/pcm?live=true", PCM, content=body())
        assert answer.status_code == 202


async def test_damage_ends_a_recording_early_and_nothing_else(house):
    data = bytearray(encoded(tone(44_100, 2.0), 44_100, "flac", "flac", "s16"))
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    async with house() as place:
        assert (await place.post("/audio", SOUND, content=bytes(data))).status_code == 202
        (end,) = await place.ended()
        assert end.reason == "completed"
        assert 0.4 < end.spoken_seconds < 2.1
        await place.post("/audio", SOUND, content=wav(tone(SPEECH_RATE, 0.2)))
        assert (await place.ended(2))[1].reason == "completed"


async def test_an_interrupt_stops_the_decoder(house):
    async with house() as place:
        await place.post("/audio", SOUND, content=wav(tone(SPEECH_RATE, 300.0)))
        feeding = set(place.state.recordings._feeding)
        await place.session.interrupt()
        async with asyncio.timeout(10):
            await asyncio.gather(*feeding)
        assert sum(piece.size for piece in place.performer.pieces.get(1, [])) < 100 * SPEECH_RATE
        await place.post("/audio?utterance=next", SOUND, content=wav(tone(SPEECH_RATE, 0.2)))
        ends = await place.ended(2)
        assert [(end.utterance, end.reason) for end in ends] == [("u1", "interrupted"), ("next", "completed")]


async def test_the_long_recordings_of_one_session_leave_room_for_those_of_others(house):
    long = wav(tone(SPEECH_RATE, 100.0))
    async with house() as place:
        for _ in range(recordings.MAX_OF_SESSION):
            assert (await place.post("/audio", SOUND, content=long)).status_code == 202
        answer = await place.post("/audio", SOUND, content=long)
        assert (answer.status_code, answer.json()["code"]) == (503, "capacity_reached")
        other = await place.state.sessions.create("mira")
        answer = await place.http.post(
            f"/v1/sessions/{other.id}/say/audio",
            headers={"Authorization": f"Bearer {other.token}"} | SOUND,
            content=long,
        )
        assert answer.status_code == 202
        assert (await place.post("/audio?interrupt=true", SOUND, content=long)).status_code == 202


async def test_closing_the_session_stops_the_decoder(house):
    async with house() as place:
        await place.post("/audio", SOUND, content=wav(tone(SPEECH_RATE, 300.0)))
        feeding = set(place.state.recordings._feeding)
        assert feeding
        await place.state.sessions.close(place.session.id)
        async with asyncio.timeout(10):
            await asyncio.gather(*feeding)
