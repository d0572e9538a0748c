# pyright: reportMissingImports=false
"""The Qwen3 engine under test, on a tiny checkpoint: short sentences, and a hand on each of its steps."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streaming.speech.base import SpeechChunk, SpeechRequest
from streaming.speech.qwen3 import guards
from streaming.speech.qwen3.engine import Qwen3Engine
from streaming.speech.qwen3.options import Qwen3Options

SESSIONS = 3
WITH_REAL_WEIGHTS = bool(os.environ.get("LIPSTREAM_QWEN3_DIR"))
"""Then on the best device that there is."""
PATIENCE = 300 if WITH_REAL_WEIGHTS else 20


def make_engine(folder: Path, data_dir: Path | None = None, **options: Any) -> Qwen3Engine:
    options = {"sessions": SESSIONS, "device": "auto" if WITH_REAL_WEIGHTS else "cpu"} | options
    return Qwen3Engine(data_dir, Qwen3Options(model=str(folder), **options))


def shorten(monkeypatch: pytest.MonkeyPatch, frames: int = 8, ramp: int = 2) -> None:
    """Random weights never find the end; let the guard end every sentence after so many frames."""
    monkeypatch.setattr(guards, "LEAST_FRAMES", frames)
    monkeypatch.setattr(guards, "FRAMES_PER_TOKEN", 0)
    monkeypatch.setattr(guards, "RAMP_FRAMES", ramp)


async def pieces(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


def request(*texts: str, **settings: Any) -> SpeechRequest:
    settings.setdefault("language", "en")
    return SpeechRequest(pieces(*texts), **settings)


async def speak(engine: Any, *texts: str, **settings: Any) -> list[SpeechChunk]:
    async with asyncio.timeout(PATIENCE):
        return [chunk async for chunk in engine.synthesize(request(*texts, **settings))]


def sound_of(chunks: Sequence[SpeechChunk]) -> NDArray[np.float32]:
    return np.concatenate([chunk.pcm for chunk in chunks])


class Steps:
    """Stands before the loop's step: counts, and holds the compute thread where it is told to.

    Args:
        engine: warm.
        monkeypatch: undoes it.
    """

    def __init__(self, engine: Qwen3Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        assert engine._conductor is not None
        self._loop = engine._conductor._machine.loop
        self._step = self._loop.step
        self._hold_at: int | None = None
        self._held, self._go = threading.Event(), threading.Event()
        self.count = 0
        self.sizes: list[int] = []
        monkeypatch.setattr(self._loop, "step", self._counted)

    def hold(self, at: int) -> None:
        """Stop before that step, counted from now."""
        self._hold_at = self.count + at

    async def held(self) -> None:
        """Wait until it stands there."""
        assert await asyncio.to_thread(self._held.wait, PATIENCE)

    def go_on(self) -> None:
        self._hold_at = None
        self._go.set()

    def _counted(self, streams: Sequence[Any]) -> Any:
        if self._hold_at is not None and self.count >= self._hold_at:
            self._held.set()
            assert self._go.wait(PATIENCE)
        self.count += 1
        self.sizes.append(len(streams))
        return self._step(streams)


async def idle(engine: Qwen3Engine) -> None:
    """Wait until the compute thread has nothing to do."""
    await asyncio.wrap_future(engine._compute.settled())
