import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from server.client import ApiError, LipstreamClient, SessionClient, Stream
from streaming.audio.decode import AudioFile
from streaming.protocol import Event, UtteranceEnded, UtteranceStarted
from streaming.timing import SPEECH_RATE
from tests.server.conftest import Live
from tests.support.recordings import encoded, tone, wav

pytestmark = pytest.mark.asyncio(loop_scope="session")

RATE = 16_000


def speech(seconds: float, rate: int = SPEECH_RATE) -> NDArray[np.float32]:
    """Noise that comes and goes like syllables."""
    count = round(seconds * rate)
    swell = np.clip(np.sin(2 * np.pi * 3 * np.arange(count) / rate), 0.0, 1.0)
    return (np.random.default_rng(11).uniform(-0.5, 0.5, count) * swell).astype(np.float32)


async def chunks(seconds: float, pace: float) -> AsyncIterator[bytes]:
    data = (speech(seconds, RATE) * 32_767).astype("<i2").tobytes()
    for start in range(0, len(data), 640):
        await asyncio.sleep(pace)
        yield data[start : start + 640]


async def until_ended(stream: Stream) -> list[Event]:
    events: list[Event] = []
    async for message in stream:
        assert not isinstance(message, bytes) and hasattr(message, "type")
        events.append(message)  # pyright: ignore[reportArgumentType]
        if isinstance(message, UtteranceEnded):
            break
    return events


def check_spoken(events: list[Event], name: str, seconds: float) -> None:
    started = next(event for event in events if isinstance(event, UtteranceStarted))
    ended = events[-1]
    assert isinstance(ended, UtteranceEnded)
    assert (started.utterance, started.engine) == (name, "audio")
    assert (ended.utterance, ended.reason, ended.message) == (name, "completed", None)
    assert ended.spoken_seconds == pytest.approx(seconds, abs=0.15)


async def test_a_recording_is_said_from_memory_and_from_a_file(live: Live, tmp_path: Path):
    data = encoded(speech(0.8, 44_100), 44_100, "mp3", "libmp3lame", "fltp", "stereo")
    path = tmp_path / "speech.mp3"
    path.write_bytes(data)
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        for audio in (data, path):
            async with session.connect(format="none") as stream:
                accepted = await session.say_audio(audio)
                check_spoken(await until_ended(stream), accepted.utterance, 0.8)
                assert accepted.seconds == pytest.approx(0.8, abs=0.1)


async def over_http(session: SessionClient, _: Stream, seconds: float) -> str:
    sound = chunks(seconds, 0.02)
    return (await session.stream_pcm(sound, sample_rate=RATE, live=True, utterance="mic")).utterance


async def over_websocket(_: SessionClient, stream: Stream, seconds: float) -> str:
    return await stream.stream_pcm(chunks(seconds, 0.02), sample_rate=RATE, live=True, utterance="mic")


@pytest.mark.parametrize("way", [over_http, over_websocket])
async def test_live_sound_is_spoken_while_it_comes(live: Live, way):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            sending = asyncio.create_task(way(session, stream, 1.2))
            events: list[Event] = []
            async for message in stream:
                if isinstance(message, UtteranceStarted):
                    assert not sending.done(), "it is heard before all of it is sent"
                events.append(message)  # pyright: ignore[reportArgumentType]
                if isinstance(message, UtteranceEnded):
                    break
            check_spoken(events, await sending, 1.2)


async def test_a_stream_may_come_as_fast_as_it_likes(live: Live):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            name = await stream.stream_pcm(chunks(1.0, 0.0), sample_rate=RATE)
            check_spoken(await until_ended(stream), name, 1.0)


async def test_a_film_of_a_recording_has_its_sound_at_its_place(live: Live, tmp_path: Path):
    sound = speech(2.0)
    async with LipstreamClient(live.url) as client:
        render = await client.create_render(audio=wav(sound), avatar="theo", seed=1)
        progress: list[float] = []
        done = await render.wait(progress.append)
        assert (done.kind, done.avatar, done.captions_url) == ("audio", "theo", None)
        path = await render.download(tmp_path / "film.mp4")
        assert await render.captions() == "WEBVTT\n"
        await render.delete()
    with av.open(str(path)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 50
    with path.open("rb") as file:
        heard = np.concatenate(list(AudioFile(file).pieces()))
    size = sound.size
    product = np.fft.rfft(heard[:size], 2 * size) * np.conj(np.fft.rfft(sound, 2 * size))
    likeness = np.fft.irfft(product) / np.linalg.norm(heard[:size]) / np.linalg.norm(sound)
    assert int(np.argmax(likeness)) == 0
    assert float(likeness[0]) > 0.9


async def test_refusals_are_errors_of_the_client(live: Live, tmp_path: Path):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        for refused in (session.say_audio(b"no sound"), client.create_render(audio=b"no sound")):
            with pytest.raises(ApiError) as caught:
                await refused
            assert (caught.value.status, caught.value.code) == (422, "script_rejected")
        with pytest.raises(ApiError) as caught:
            await session.stream_pcm(chunks(0.1, 0.0), sample_rate=1)
        assert caught.value.code == "invalid_request"
        for options in ({}, {"text": "x", "audio": b"x"}):
            with pytest.raises(ValueError, match="either"):
                await client.create_render(**options)
        with pytest.raises(FileNotFoundError):
            await session.say_audio(tmp_path / "missing.wav")


async def test_a_sound_that_is_too_long_says_so(live: Live):
    long = encoded(tone(8_000, 1.0), 8_000, "flac", "flac", "s16")
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        assert (await session.say_audio(long)).seconds == 1.0
        silence = encoded(np.zeros(8_000 * 605, np.float32), 8_000, "flac", "flac", "s16")
        with pytest.raises(ApiError, match="10 minutes"):
            await session.say_audio(silence)
