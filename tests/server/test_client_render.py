import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest

from server.client import ApiError, LipstreamClient, RenderClient
from server.routes import streamed_renders
from streaming.audio.decode import AudioFile
from streaming.audio.feed import SoundFeed
from streaming.timing import FPS, SPEECH_RATE
from tests.server.conftest import Live
from tests.support.lips import correlation, mouth_openings
from tests.support.recordings import wav

pytestmark = pytest.mark.asyncio(loop_scope="session")

RATE = 16_000
TEXT = "My mother sat by a warm open fire."


async def spoken(client: LipstreamClient, folder: Path) -> np.ndarray:
    """A sentence as the embedded voice says it: 16-bit samples (n,) at 16 kHz."""
    render = await client.create_render(TEXT)
    await render.wait()
    path = await render.download(folder / "spoken.mp4")
    await render.delete()
    with path.open("rb") as file:
        sound = np.concatenate(list(AudioFile(file).pieces()))
    frame = av.AudioFrame.from_ndarray(sound[None], format="flt", layout="mono")
    frame.sample_rate = SPEECH_RATE
    resampler = av.AudioResampler("s16", "mono", RATE)
    return np.concatenate([part.to_ndarray()[0] for part in resampler.resample(frame)])


async def in_pieces(data: bytes, size: int = 640, pace: float = 0.0) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        await asyncio.sleep(pace)
        yield data[start : start + size]


async def until_known(begun: list[RenderClient]) -> AsyncIterator[bytes]:
    """Silence in 20 ms pieces, until the server has begun."""
    async with asyncio.timeout(10):
        while True:
            yield bytes(640)
            await asyncio.sleep(0.02)
            with contextlib.suppress(ApiError):
                assert (await begun[0].get()).status == "running"
                return


def sound_of(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        return np.concatenate(list(AudioFile(file).pieces()))


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]


async def test_a_film_of_a_stream_is_that_of_the_same_sound_as_a_file(live: Live, tmp_path: Path):
    async with LipstreamClient(live.url) as client:
        values = await spoken(client, tmp_path)
        seconds = values.size / RATE
        streamed = await client.render_pcm(
            in_pieces(values.tobytes(), pace=0.005), sample_rate=RATE, avatar="theo", seed=5
        )
        recording = wav(values.astype(np.float32) / np.float32(32_768), RATE)
        recorded = await client.create_render(audio=recording, avatar="theo", seed=5)
        films = []
        for number, render in enumerate((streamed, recorded)):
            done = await render.wait()
            assert (done.kind, done.avatar, done.code) == ("audio", "theo", None)
            assert done.seconds == pytest.approx(seconds, abs=0.04)
            films.append(await render.download(tmp_path / f"{number}.mp4"))
            await render.delete()
    assert films[0].read_bytes() == films[1].read_bytes()

    heard, sent = (
        sound_of(films[0]),
        np.interp(
            np.arange(round(seconds * SPEECH_RATE)) * RATE / SPEECH_RATE, np.arange(values.size), values
        ),
    )
    likeness = correlation(heard[: sent.size].astype(float), sent)
    assert likeness > 0.9, "the sound is where it was, and as it was"
    openings = mouth_openings(pictures(films[0]))
    assert openings.min() < 0.02, "m, b and p are seen closed"
    assert openings.max() > 0.06, "and vowels open"


async def test_a_stream_can_be_looked_at_and_cancelled_while_it_comes(live: Live):
    begun: list[RenderClient] = []

    async def endless() -> AsyncIterator[bytes]:
        async for piece in until_known(begun):
            yield piece
        await begun[0].delete()
        while True:
            await asyncio.sleep(0.02)
            yield bytes(640)

    async with LipstreamClient(live.url) as client:
        with pytest.raises(ApiError) as caught:
            await client.render_pcm(endless(), sample_rate=RATE, on_begun=begun.append)
        assert caught.value.code == "render_cancelled"
        assert (await begun[0].get()).status == "cancelled"


async def test_what_came_before_a_break_is_found_again(live: Live, tmp_path: Path):
    begun: list[RenderClient] = []

    async def broken() -> AsyncIterator[bytes]:
        async for piece in until_known(begun):
            yield piece
        raise OSError("the microphone is gone")

    async with LipstreamClient(live.url) as client:
        with pytest.raises(OSError, match="microphone"):
            await client.render_pcm(broken(), sample_rate=RATE, on_begun=begun.append)
        done = await begun[0].wait()
        assert done.code == "sound_broke_off"
        assert done.seconds is not None and done.seconds > 0
        film = await begun[0].download(tmp_path / "film.mp4")
        assert len(pictures(film)) == round(done.seconds * FPS)
        await begun[0].delete()


async def test_a_stream_that_is_too_long_ends_there(live: Live, monkeypatch):
    monkeypatch.setattr(streamed_renders, "SoundFeed", lambda: SoundFeed(max_seconds=1.0))

    async def endless() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.001)
            yield bytes(640)

    async with LipstreamClient(live.url) as client:
        done = await (await client.render_pcm(endless(), sample_rate=RATE)).wait()
        assert (done.seconds, done.code) == (1.0, "sound_too_long")


async def test_several_streams_and_a_text_at_once(live: Live):
    async with LipstreamClient(live.url) as client:
        held = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield bytes(RATE)
            await held.wait()
            yield bytes(RATE)

        sending = [asyncio.create_task(client.render_pcm(slow(), sample_rate=RATE)) for _ in range(3)]
        text = await client.create_render("Hello!")
        assert (await text.wait()).status == "done", "it waits for no stream"
        assert not any(task.done() for task in sending)
        held.set()
        for render in await asyncio.gather(*sending):
            assert (await render.wait()).seconds == 1.0


async def test_refusals_are_errors_of_the_client(live: Live):
    async with LipstreamClient(live.url) as client:
        with pytest.raises(ApiError) as caught:
            await client.render_pcm(in_pieces(b""))
        assert (caught.value.status, caught.value.code) == (422, "script_rejected")
        with pytest.raises(ApiError) as caught:
            await client.render_pcm(in_pieces(bytes(100)), sample_rate=1)
        assert caught.value.code == "invalid_request"
