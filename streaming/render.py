"""Offline films: the live line without a clock. Same performer, same compositor, another sink."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import structlog

from streaming.audio.feed import SoundFeed
from streaming.audio.recording import Recording, open_recording
from streaming.compositor.base import Compositor, CompositorFactory, LayeredCompositor
from streaming.errors import ScriptRejected
from streaming.performer.base import Performer, PerformRequest
from streaming.script import Piece, ScriptKind, piece_of
from streaming.sinks.film import FilmSink
from streaming.sinks.formats import FORMATS, FilmFormat
from streaming.sinks.opening import open_sink
from streaming.slots import Slot, UtteranceKey, Word
from streaming.speech.delivery import AS_IT_IS, Delivery
from streaming.timing import FPS, SLOT_SECONDS

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

WINDOW_SLOTS = 10 * FPS
BATCH_SLOTS = FPS
"""Slots per hop to the worker thread."""
LOOK_AHEAD_MS = 1000
"""Nobody waits for a frame here, so a face that listens may hear as far ahead as is of use to it."""


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What to render: a text, or in its place the speech of a file, or speech that is still coming.

    ``audio`` is a file of the program's own or of its user, never one that a client named. Voice, language,
    speed and delivery mean nothing for sound. ``background`` is a colour behind an avatar that has none;
    without it such an avatar is transparent where the format can say so. The day of ``created`` (unix
    seconds) is written into the film.
    """

    text: str
    avatar: str
    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    seed: int = 0
    delivery: Delivery = AS_IT_IS
    audio: Path | None = None
    feed: SoundFeed | None = None
    format: FilmFormat = "mp4"
    background: str | None = None
    created: float | None = None

    @property
    def kind(self) -> ScriptKind:
        """What it is made from."""
        return "text" if self.audio is None and self.feed is None else "audio"


@dataclass(frozen=True, slots=True)
class RenderResult:
    """What came of it."""

    path: Path
    seconds: float
    frames: int
    words: list[Word] = field(default_factory=list)


class _Script(Protocol):
    """What is said, and how much of it is done."""

    kind: ScriptKind

    def pieces(self) -> AsyncIterator[Piece]:
        """For the performer."""
        ...

    def done(self, frames: int, words: Sequence[Word]) -> float:
        """The share in 0..1 that so many frames, and the words in them, are of the whole."""
        ...


class _Text:
    kind: ScriptKind = "text"

    def __init__(self, text: str) -> None:
        self._text = text

    async def pieces(self) -> AsyncIterator[Piece]:
        yield self._text

    def done(self, frames: int, words: Sequence[Word]) -> float:
        return words[-1].stop / len(self._text) if words and self._text else 0.0


class _Sound:
    """A recording, decoded as the performer takes it: little more than its window, then, is held."""

    kind: ScriptKind = "audio"

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def pieces(self) -> AsyncIterator[Piece]:
        async with aclosing(self._recording.pieces()) as pieces:
            async for samples in pieces:
                yield piece_of(samples)

    def done(self, frames: int, words: Sequence[Word]) -> float:
        return frames * SLOT_SECONDS / max(self._recording.info.seconds, SLOT_SECONDS)


class _Coming:
    """Sound that is rendered while it comes."""

    kind: ScriptKind = "audio"

    def __init__(self, feed: SoundFeed) -> None:
        self._feed = feed

    async def pieces(self) -> AsyncIterator[Piece]:
        async with aclosing(self._feed.pieces()) as pieces:
            async for piece in pieces:
                yield piece

    def done(self, frames: int, words: Sequence[Word]) -> float:
        # A share of what is not known yet would have to go back.
        return frames * SLOT_SECONDS / max(self._feed.seconds, SLOT_SECONDS) if self._feed.complete else 0.0


@asynccontextmanager
async def _script_of(request: RenderRequest) -> AsyncGenerator[_Script]:
    if request.feed is not None:
        yield _Coming(request.feed)
        return
    if request.audio is None:
        yield _Text(request.text)
        return
    try:
        file = await asyncio.to_thread(request.audio.open, "rb")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ScriptRejected(f"The recording cannot be opened ({reason}). Send it again.") from error
    with file:
        async with open_recording(file) as recording:
            yield _Sound(recording)


def _write(sink: FilmSink, compositor: Compositor, slots: list[Slot]) -> None:
    for slot in slots:
        sink.write(compositor.compose(slot.index, slot.patch), slot.samples)


def _write_layers(sink: FilmSink, compositor: LayeredCompositor, slots: list[Slot]) -> None:
    for slot in slots:
        layers = compositor.compose_layers(slot.index, slot.patch)
        sink.write(layers.frame, slot.samples, layers.alpha)


def _abort(sink: FilmSink) -> None:
    sink.abort()


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
    """Render a text, a recording or sound that is still coming to a file, as fast as the machine allows.

    Progress is judged by the share of the text whose words are drawn, or of the sound. On failure or
    cancellation nothing is left at ``path``.

    Raises:
        ScriptRejected: the recording cannot be used, or the film becomes too long for its format.
        BackgroundRejected: the background is no colour, or the avatar has one of its own.
        LipstreamError: what the performer or the avatar raises.
    """
    async with _script_of(request) as script:
        return await _render(performer, compositors, request, script, path, on_progress)


async def _render(
    performer: Performer,
    compositors: CompositorFactory,
    request: RenderRequest,
    script: _Script,
    path: Path,
    on_progress: Callable[[float], None] | None,
) -> RenderResult:
    compositor = await asyncio.to_thread(compositors.open, request.avatar, request.seed, request.background)
    credits = replace(await asyncio.to_thread(compositors.credits, request.avatar), created=request.created)
    transparent = FORMATS[request.format].alpha and isinstance(compositor, LayeredCompositor)
    sink = await _in_thread(
        open_sink,
        request.format,
        path,
        compositor.width,
        compositor.height,
        credits,
        transparent,
        undo=_abort,
    )
    write = _write_layers if transparent else _write
    key = UtteranceKey(f"render-{uuid.uuid4().hex}", 0, 1)
    perform = PerformRequest(
        key=key,
        avatar=request.avatar,
        voice=request.voice,
        language=request.language,
        speed=request.speed,
        delivery=request.delivery,
        seed=request.seed,
        window=WINDOW_SLOTS,
        kind=script.kind,
        look_ahead_ms=LOOK_AHEAD_MS,
        pace="offline",
    )
    batch: list[Slot] = []
    words: list[Word] = []
    frames = 0

    async def flush() -> None:
        nonlocal frames
        await _in_thread(write, sink, compositor, list(batch))
        frames += len(batch)
        batch.clear()
        if on_progress is not None:
            on_progress(min(1.0, script.done(frames, words)))

    try:
        async with aclosing(performer.perform(perform, script.pieces())) as items:
            async for item in items:
                if not isinstance(item, Slot):
                    if item.code != "speech_engine":
                        log.warning(
                            "while rendering", code=item.code, engine=item.engine, reason=item.message
                        )
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
