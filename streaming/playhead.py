"""When the sound and the frames of one utterance are needed: what its deadlines are made of."""

from __future__ import annotations

import math
from typing import Literal

from streaming.clock import Clock
from streaming.timing import SLOT_SECONDS

Pace = Literal["live", "offline"]
"""``live``: played as it comes, so every slot has its time. ``offline``: a file, which nobody waits for."""


class Playhead:
    """Follows how one utterance is played, on the side that makes it.

    Nobody tells it when a slot is shown: it takes the first one to be played when it is handed on, and the
    others one after another. A slot that is handed on too late moves all after it.

    Args:
        clock: of the process.
        pace: see :data:`Pace`.
    """

    def __init__(self, clock: Clock, pace: Pace = "live") -> None:
        self.pace: Pace = pace
        self._clock = clock
        # Until something is played all of it is wanted at once; who came first goes first.
        self._start = clock.now()
        self.started = False
        """Whether anything has been handed on."""
        self.waits_until = -math.inf
        """Monotonic second until which a slot that is late already waits for its frame."""

    def due(self, seconds: float) -> float:
        """Monotonic second at which this second of the utterance is played; infinite when nobody waits."""
        return math.inf if self.pace == "offline" else self._start + seconds

    def sent(self, index: int) -> None:
        """Slot ``index`` has just been handed on."""
        start = self._clock.now() - index * SLOT_SECONDS
        self._start = max(self._start, start) if self.started else start
        self.started = True
