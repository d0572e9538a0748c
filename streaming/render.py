"""Offline MP4: the live line without a clock. Same performer, same compositor, another sink."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from streaming.compositor.base import Compositor, CompositorFactory
from streaming.performer.base import Performer, PerformRequest
from streaming.sinks.mp4 import Mp4Sink
from streaming.slots import Slot, UtteranceKey, Word
from streaming.timing import FPS

Result = TypeVar("Result")

WINDOW_SLOTS = 10 * FPS
BATCH_SLOTS = FPS
"""Slots per hop to the worker thread."""


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What to render."""

    text: str
    avatar: str
    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RenderResult:
    """What came of it."""

    path: Path
    seconds: float
    frames: int
    words: list[Word] = field(default_factory=list)


async def _whole(text: str) -> AsyncIterator[str]:
    yield text


def _write(sink: Mp4Sink, compositor: Compositor, slots: list[Slot]) -> None:
    for slot in slots:
        sink.write(compositor.compose(slot.index, slot.patch), slot.samples)


async def _in_thread(
    work: Callable[..., Result], *args: Any, undo: Callable[[Result], object] | None = None
) -> Result:
    """Run blocking work to its end, even when cancelled: nobody may touch the file beside it.

    Args:
        work: runs in a worker thread.
        *args: its arguments.
        undo: gets the result when it came too late to be wanted; runs in a worker thread, too.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work, *args))
    cancelled: asyncio.CancelledError | None = None
    while not working.done():
        try:
            await asyncio.wait((working,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return working.result()
    if working.exception() is None and undo is not None:
        await _in_thread(undo, working.result())
    raise cancelled


async def render(
    performer: Performer,
    compositors: CompositorFactory,
    request: RenderRequest,
    path: Path,
    on_progress: Callable[[float], None] | None = None,
) -> RenderResult:
    """Render a text to an MP4 file as fast as the machine allows.

    Progress is judged by the share of the text whose words are drawn. On failure or cancellation nothing
    is left at ``path``.

    Raises:
        LipstreamError: what the performer or the avatar raises.
    """
    compositor = await asyncio.to_thread(compositors.open, request.avatar, request.seed)
    sink = await _in_thread(Mp4Sink, path, compositor.width, compositor.height, undo=Mp4Sink.abort)
    key = UtteranceKey(f"render-{uuid.uuid4().hex}", 0, 1)
    perform = PerformRequest(
        key=key,
        avatar=request.avatar,
        voice=request.voice,
        language=request.language,
        speed=request.speed,
        seed=request.seed,
        window=WINDOW_SLOTS,
    )
    batch: list[Slot] = []
    words: list[Word] = []
    frames = 0

    async def flush() -> None:
        nonlocal frames
        await _in_thread(_write, sink, compositor, list(batch))
        frames += len(batch)
        batch.clear()
        if on_progress is not None and words and request.text:
            on_progress(min(1.0, words[-1].stop / len(request.text)))

    try:
        async with aclosing(performer.perform(perform, _whole(request.text))) as items:
            async for item in items:
                if not isinstance(item, Slot):
                    continue
                batch.append(item)
                words.extend(item.words)
                if len(batch) == BATCH_SLOTS:
                    await flush()
        await flush()
        seconds = await _in_thread(sink.close, undo=lambda _: path.unlink(missing_ok=True))
    except BaseException:
        await _in_thread(sink.abort)
        raise
    if on_progress is not None:
        on_progress(1.0)
    return RenderResult(path, seconds, frames, words)
