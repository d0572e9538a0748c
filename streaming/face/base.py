"""The seam every face engine implements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from streaming.playhead import Playhead
from streaming.slots import Patch
from streaming.speech.base import SpeechChunk
from streaming.timing import LOOK_AHEAD_MS

PromisedPatch = asyncio.Future[Patch]
"""A patch that is being drawn elsewhere. Who no longer wants it cancels it; it raises nothing else."""

FaceNews = Literal["engine_fallback", "memory_low", "face_failed"]
"""What a face engine may have to tell in the middle of an utterance."""


@dataclass(frozen=True, slots=True)
class FaceRequest:
    """Whose face, and for what.

    Attributes:
        avatar: id of the avatar.
        look_ahead_ms: how much sound the face may wait for before it decides a frame, where it has to listen.
            More is more exact; live sound wants less.
        playhead: says when frames are needed; ``None`` is as soon as possible.
        position: where the avatar's loop is now, in frames since it began; see
            :func:`avatars.loop.loop_frame`.
        queued: frames of what was said before, which are shown first.
        on_news: called on the event loop with a code, the engine's name and a message for people.
    """

    avatar: str
    look_ahead_ms: int = LOOK_AHEAD_MS
    playhead: Playhead | None = None
    position: int = 0
    queued: int = 0
    on_news: Callable[[FaceNews, str, str], None] | None = None


class FaceStream(Protocol):
    """Follows the speech of one utterance. Frame ``i`` covers seconds ``i/25 .. (i+1)/25`` of it."""

    look_ahead: int
    """Frames that are held back until more speech, or the end, is known."""

    def push(self, chunk: SpeechChunk) -> Sequence[Patch | PromisedPatch]:
        """Take the next speech; the patches that can be decided now, or be drawn, in order, none twice."""
        ...

    def flush(self) -> Sequence[Patch | PromisedPatch]:
        """The utterance ends: what is left, so that frames = ceil(samples / 960) in all."""
        ...

    def close(self) -> None:
        """Nobody wants the rest; idempotent."""
        ...


class FaceEngine(Protocol):
    """Makes face streams for avatars that carry this engine's part."""

    @property
    def name(self) -> str:
        """The name that settings know it by."""
        ...

    @property
    def live_seconds(self) -> float:
        """Sound beyond a slot that is wanted of live sound, and the time it takes to decide its frame."""
        ...

    async def warm_up(self) -> None:
        """Load models and run once."""
        ...

    def open(self, request: FaceRequest) -> FaceStream:
        """A stream for one utterance; call it on the event loop.

        Raises:
            EngineUnavailable: the avatar has not got what this engine needs.
        """
        ...
