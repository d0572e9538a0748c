"""How long a slot waits for its frame to be drawn."""

from __future__ import annotations

from streaming.clock import Clock
from streaming.playhead import Playhead
from streaming.timing import SLOT_SECONDS

FIRST_SECONDS = 2.0
"""What the first frame of an utterance may take: a voice whose mouth does not move yet looks worse than a
voice that comes a little later."""
AGAIN_SECONDS = 0.25
"""The same where the voice itself was late, and goes on now."""


class Patience:
    """Of one utterance.

    Args:
        playhead: says when its slots have to go.
        clock: of the process.
    """

    def __init__(self, playhead: Playhead, clock: Clock) -> None:
        self._playhead = playhead
        self._clock = clock
        self._first: float | None = None

    def sound(self, index: int) -> None:
        """Sound has come while slot ``index`` is the next to go."""
        now = self._clock.now()
        if self._first is None:
            self._first = now + FIRST_SECONDS
            return
        playhead = self._playhead
        if playhead.started and playhead.due(index * SLOT_SECONDS) <= now and playhead.waits_until < now:
            playhead.waits_until = now + AGAIN_SECONDS

    def until(self, index: int) -> float | None:
        """Monotonic second from which slot ``index`` goes without its frame; ``None``: there is none."""
        if self._playhead.pace == "offline":
            return None
        if not self._playhead.started:
            return self._first
        return max(self._playhead.due(index * SLOT_SECONDS), self._playhead.waits_until)
