import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streaming.audio.feed import SoundFeed
from streaming.errors import LipstreamError, ScriptRejected
from streaming.render import RenderRequest, render
from streaming.sinks import opening
from streaming.sinks.mp4 import Mp4Sink
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE
from tests.support.clock import settle
from tests.support.engines import DirectPerformer, FlatCompositors, slots_for
from tests.support.recordings import encoded, tone, wav_of

REQUEST = RenderRequest("one two three four five six seven", "mira")


def files(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def test_a_text_becomes_a_file_of_its_length(tmp_path: Path):
    path, progress = tmp_path / "film.mp4", []
    result = await render(DirectPerformer(), FlatCompositors(), REQUEST, path, progress.append)
    with av.open(str(path)) as film:
        assert sum(1 for _ in film.decode(video=0)) == result.frames == slots_for(7)
    assert [word.text for word in result.words] == REQUEST.text.split()
    assert progress == sorted(progress) and progress[-1] == 1.0
    assert files(tmp_path) == [path.name]


@pytest.mark.parametrize(
    ("text", "avatar", "error"),
    [("fine boom", "mira", RuntimeError), ("", "mira", ScriptRejected), ("x", "missing", LipstreamError)],
)
async def test_what_fails_leaves_no_file(tmp_path: Path, text: str, avatar: str, error: type[Exception]):
    with pytest.raises(error):
        await render(DirectPerformer(), FlatCompositors(), RenderRequest(text, avatar), tmp_path / "film.mp4")
    assert not files(tmp_path)


class Gate:
    """Holds a worker thread at the start of a method of the sink."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self.working = False
        self._method = method

    def __get__(self, sink: Mp4Sink, _: type) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.reached.set()
            self.go.wait(10)
            self.working = True
            try:
                return self._method(sink, *args)
            finally:
                self.working = False

        return call


@pytest.mark.parametrize("phase", ["__init__", "write", "close"])
async def test_cancelled_in_any_phase_it_leaves_no_file(tmp_path: Path, monkeypatch, phase: str):
    gate = Gate(getattr(Mp4Sink, phase))
    seen: list[bool] = []

    class GatedSink(Mp4Sink):
        def abort(self) -> None:
            seen.append(gate.working)
            super().abort()

    setattr(GatedSink, phase, gate)
    monkeypatch.setattr(opening, "Mp4Sink", GatedSink)
    rendering = asyncio.create_task(
        render(DirectPerformer(), FlatCompositors(), REQUEST, tmp_path / "film.mp4")
    )
    await asyncio.to_thread(gate.reached.wait, 10)
    for _ in range(2):
        rendering.cancel()
        await settle()
    assert not rendering.done(), "the thread still has the file"
    gate.go.set()
    with pytest.raises(asyncio.CancelledError):
        await rendering
    assert not files(tmp_path)
    assert seen.count(True) == 0


async def test_cancelled_while_the_engine_speaks_it_leaves_no_file(tmp_path: Path):
    performer = DirectPerformer()
    drawn = asyncio.Event()

    def progress(_: float) -> None:
        performer.speech.gate.clear()
        drawn.set()

    request = RenderRequest("word " * 40, "mira")
    rendering = asyncio.create_task(
        render(performer, FlatCompositors(), request, tmp_path / "film.mp4", progress)
    )
    await drawn.wait()
    await settle()
    assert files(tmp_path)
    rendering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rendering
    assert not files(tmp_path)


@pytest.fixture
def written(monkeypatch) -> list[NDArray[np.float32]]:
    """The sound of each slot, as it goes to the encoder."""
    slots: list[NDArray[np.float32]] = []

    class Listened(Mp4Sink):
        def write(self, frame: av.VideoFrame, samples: NDArray[np.float32], alpha: Any = None) -> None:
            slots.append(samples)
            super().write(frame, samples)

    monkeypatch.setattr(opening, "Mp4Sink", Listened)
    return slots


def sound_request(directory: Path, data: bytes) -> RenderRequest:
    audio = directory / "speech.any"
    audio.write_bytes(data)
    return RenderRequest("", "mira", audio=audio)


async def test_a_recording_is_heard_sample_for_sample(tmp_path: Path, written):
    values = np.random.default_rng(4).integers(-20_000, 20_000, 3 * SPEECH_RATE + 500, np.int16)
    request, progress = sound_request(tmp_path, wav_of(values.tobytes())), []
    result = await render(
        DirectPerformer(), FlatCompositors(), request, tmp_path / "film.mp4", progress.append
    )
    heard = np.concatenate(written)
    assert np.array_equal(heard[: values.size], values.astype(np.float32) / 32_768)
    assert not heard[values.size :].any()
    assert result.frames == -(-values.size // SLOT_SAMPLES)
    assert result.words == []
    assert progress == sorted(progress) and progress[-1] == 1.0
    assert progress[0] == pytest.approx(1 / 3, abs=0.02), "a second of three"


async def test_the_sound_of_the_film_is_that_of_the_recording(tmp_path: Path):
    sound = tone(44_100, 2.0) * np.repeat([0.2, 1.0, 0.1, 0.7], 22_050).astype(np.float32)
    request = sound_request(tmp_path, encoded(sound, 44_100, "mp3", "libmp3lame", "fltp", "stereo"))
    result = await render(DirectPerformer(), FlatCompositors(), request, tmp_path / "film.mp4")
    with av.open(str(result.path)) as film:
        frames = [frame.to_ndarray()[0] for frame in film.decode(audio=0)]
    heard = np.concatenate(frames)
    for quarter, level in enumerate([0.2, 1.0, 0.1, 0.7]):
        middle = heard[quarter * 24_000 + 6_000 : quarter * 24_000 + 18_000]
        assert float(np.abs(middle).max()) == pytest.approx(0.5 * level, rel=0.15)


@pytest.mark.parametrize("data", [b"", b"no sound", wav_of(b"")])
async def test_what_is_no_recording_leaves_no_film(tmp_path: Path, data: bytes):
    with pytest.raises(ScriptRejected):
        await render(
            DirectPerformer(), FlatCompositors(), sound_request(tmp_path, data), tmp_path / "film.mp4"
        )
    assert files(tmp_path) == ["speech.any"]


async def test_a_recording_that_is_gone_is_said(tmp_path: Path):
    with pytest.raises(ScriptRejected, match="No such file"):
        await render(
            DirectPerformer(),
            FlatCompositors(),
            RenderRequest("", "mira", audio=tmp_path / "gone.wav"),
            tmp_path / "film.mp4",
        )


async def test_sound_is_drawn_while_it_comes_and_the_film_is_that_of_the_file(tmp_path: Path, written):
    values = np.random.default_rng(4).integers(-20_000, 20_000, 3 * SPEECH_RATE + 500, np.int16)
    await render(
        DirectPerformer(),
        FlatCompositors(),
        sound_request(tmp_path, wav_of(values.tobytes())),
        tmp_path / "1.mp4",
    )
    of_file = list(written)
    written.clear()
    feed, progress, drawn = SoundFeed(), [], asyncio.Event()

    def on_progress(fraction: float) -> None:
        progress.append(fraction)
        drawn.set()

    request = RenderRequest("", "mira", feed=feed)
    rendering = asyncio.create_task(
        render(DirectPerformer(), FlatCompositors(), request, tmp_path / "2.mp4", on_progress)
    )
    sound = values.astype(np.float32) / np.float32(32_768)
    await feed.push(sound[: 2 * SPEECH_RATE])
    async with asyncio.timeout(10):
        await drawn.wait()
    assert len(written) >= 25
    assert progress == [0.0], "how long it will be is not known"
    await feed.push(sound[2 * SPEECH_RATE :])
    feed.finish()
    result = await rendering
    assert result.frames == -(-values.size // SLOT_SAMPLES)
    assert np.array_equal(written, of_file)
    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "2.mp4").read_bytes()
    assert progress == sorted(progress) and progress[-1] == 1.0


@pytest.mark.parametrize("error", [None, ScriptRejected("The sound holds NaN.")])
async def test_a_feed_without_sound_or_with_a_wrong_one_leaves_no_film(tmp_path: Path, error):
    feed = SoundFeed()
    if error is not None:
        await feed.push(tone(SPEECH_RATE, 1.0))
    feed.close(error)
    with pytest.raises(ScriptRejected, match="NaN" if error else "empty"):
        await render(
            DirectPerformer(), FlatCompositors(), RenderRequest("", "mira", feed=feed), tmp_path / "film.mp4"
        )
    assert not files(tmp_path)
