"""Who is told what the live line does, so that it can be measured without knowing who measures."""

from __future__ import annotations

from typing import Literal, Protocol

from streaming.protocol import EndReason

DropReason = Literal["quiet", "backlog"]
"""Why live sound was left out: a quiet slot, to be less late; or the oldest of too much."""
Trouble = Literal["memory_low", "face_failed"]
"""What an engine may come into in the middle of an utterance; see :class:`streaming.slots.Notice`."""


class Observer(Protocol):
    """Takes note of what happens. Called on the event loop, many times a second: must not block or raise."""

    def session_opened(self) -> None:
        """A session was created."""
        ...

    def session_closed(self) -> None:
        """A session ended."""
        ...

    def utterance_started(self, latency_seconds: float, engine: str) -> None:
        """The first slot of an utterance is sent; ``latency_seconds`` counts from the text's acceptance."""
        ...

    def utterance_ended(self, reason: EndReason) -> None:
        """Nothing of an utterance follows."""
        ...

    def slot_sent(self, late_seconds: float) -> None:
        """A slot went out ``late_seconds`` after its deadline (0 or more)."""
        ...

    def slots_skipped(self, count: int) -> None:
        """``count`` slots were dropped because the line was late."""
        ...

    def interrupted(self) -> None:
        """A session was interrupted."""
        ...

    def engine_fallback(self, engine: str) -> None:
        """``engine`` failed before its first audio and the next one took over."""
        ...

    def engine_trouble(self, code: Trouble, engine: str) -> None:
        """``engine`` goes on with less memory, or cannot draw a face, while an utterance goes on."""
        ...

    def face_late(self) -> None:
        """A slot was sent whose face was not drawn in time: it showed the one before."""
        ...

    def performer_restarted(self) -> None:
        """The performer died and was started again."""
        ...

    def sound_dropped(self, seconds: float, reason: DropReason) -> None:
        """So much of a live sound was left out."""
        ...

    def sound_late(self) -> None:
        """A live sound was not there when it was due: there is a gap in it."""
        ...


class NullObserver:
    """Takes no note of anything."""

    def session_opened(self) -> None:
        """Ignored."""

    def session_closed(self) -> None:
        """Ignored."""

    def utterance_started(self, latency_seconds: float, engine: str) -> None:
        """Ignored."""

    def utterance_ended(self, reason: EndReason) -> None:
        """Ignored."""

    def slot_sent(self, late_seconds: float) -> None:
        """Ignored."""

    def slots_skipped(self, count: int) -> None:
        """Ignored."""

    def interrupted(self) -> None:
        """Ignored."""

    def engine_fallback(self, engine: str) -> None:
        """Ignored."""

    def engine_trouble(self, code: Trouble, engine: str) -> None:
        """Ignored."""

    def face_late(self) -> None:
        """Ignored."""

    def performer_restarted(self) -> None:
        """Ignored."""

    def sound_dropped(self, seconds: float, reason: DropReason) -> None:
        """Ignored."""

    def sound_late(self) -> None:
        """Ignored."""
