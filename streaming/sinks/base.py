"""The seam between a session and its viewers."""

from __future__ import annotations

from typing import Protocol

from streaming.encoders.base import EncodedSlot, VideoCodec
from streaming.protocol import Event


class Sink(Protocol):
    """A live viewer. Its methods are called on the event loop and must not block or raise.

    A sink that falls behind drops what it holds, asks for a keyframe and goes on from there.
    """

    codec: VideoCodec | None
    """The video codec it wants, or ``None`` for events only."""

    def deliver(self, slot: EncodedSlot) -> None:
        """Take one slot at its deadline."""
        ...

    def notify(self, event: Event) -> None:
        """Take one event, in order with the slots around it."""
        ...

    def closed(self) -> None:
        """The session has ended; nothing follows."""
        ...
