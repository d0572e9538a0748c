"""In which frames somebody speaks: the others show the avatar's own mouth, and need not be drawn.

A network that draws mouths quivers in silence; nothing quivers that is not drawn.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from streaming.audio.quiet import FRAME_SAMPLES, FRAME_SECONDS, QuietMeter, energies
from streaming.timing import SLOT_SECONDS

AHEAD_SECONDS = 0.080
"""A mouth begins to move before it is heard. Frames are drawn with 92 ms of the sound after them at hand."""
AFTER_SECONDS = 0.160
"""After the last sound it still closes."""
_PER_SLOT = round(SLOT_SECONDS / FRAME_SECONDS)
_AHEAD = round(AHEAD_SECONDS / FRAME_SECONDS)
_AFTER = round(AFTER_SECONDS / FRAME_SECONDS)


class Activity:
    """Follows the sound of one utterance."""

    def __init__(self) -> None:
        self._meter = QuietMeter()
        self._rest: NDArray[np.float32] = np.zeros(0, np.float32)
        self._loud: deque[bool] = deque([False] * _AFTER)
        # Blocks of 10 ms before the first that is kept; those before the utterance count.
        self._gone = -_AFTER

    def push(self, pcm: NDArray[np.float32]) -> None:
        """Take the next samples (n,) at 24 kHz."""
        samples = np.concatenate((self._rest, pcm)) if self._rest.size else pcm
        heard = energies(samples)
        self._loud.extend(not self._meter.is_quiet(energy) for energy in heard)
        whole = len(heard) * FRAME_SAMPLES
        self._rest = samples[whole:].copy()

    def speaks(self, frame: int) -> bool:
        """Whether this frame is one of speech. Frames are asked for in rising order; what has not come of the
        sound is silence.
        """
        first, stop = frame * _PER_SLOT - _AFTER, (frame + 1) * _PER_SLOT + _AHEAD
        while self._loud and self._gone < first:
            self._loud.popleft()
            self._gone += 1
        return any(loud for loud, _ in zip(self._loud, range(self._gone, stop), strict=False))
