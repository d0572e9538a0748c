import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from streaming import render as render_module
from streaming.errors import LipstreamError, ScriptRejected
from streaming.render import RenderRequest, render
from streaming.sinks.mp4 import Mp4Sink
from tests.support.clock import settle
from tests.support.engines import DirectPerformer, FlatCompositors, slots_for

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
    monkeypatch.setattr(render_module, "Mp4Sink", GatedSink)
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
