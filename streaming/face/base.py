"""The seam every face engine implements."""

from __future__ import annotations

from typing import Protocol

from streaming.slots import Patch
from streaming.speech.base import SpeechChunk
from streaming.timing import LOOK_AHEAD_MS


class FaceStream(Protocol):
    """Follows the speech of one utterance. Frame ``i`` covers seconds ``i/25 .. (i+1)/25`` of it."""

    look_ahead: int
    """Frames that are held back until more speech, or the end, is known."""

    def push(self, chunk: SpeechChunk) -> list[Patch]:
        """Take the next speech; return the patches that are decided now, in order, none twice."""
        ...

    def flush(self) -> list[Patch]:
        """The utterance ends: return what is left, so that frames = ceil(samples / 960) in all."""
        ...

    def reset(self) -> None:
        """Forget everything; the next push starts a new utterance."""
        ...


class FaceEngine(Protocol):
    """Makes face streams for avatars that carry this engine's part."""

    @property
    def name(self) -> str:
        """The name that settings know it by."""
        ...

    async def warm_up(self) -> None:
        """Load models and run once."""
        ...

    def open(self, avatar: str, look_ahead_ms: int = LOOK_AHEAD_MS) -> FaceStream:
        """A stream for one utterance.

        Args:
            avatar: whose face.
            look_ahead_ms: how much sound the face may wait for before it decides a frame, where it has to
                listen. More is more exact; live sound wants less.
        """
        ...
