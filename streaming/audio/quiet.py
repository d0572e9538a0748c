"""Tells quiet from sound by energy, against a background whose level nobody knows beforehand."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from streaming.timing import SPEECH_RATE

FRAME_SECONDS = 0.010
FRAME_SAMPLES = round(FRAME_SECONDS * SPEECH_RATE)

LOWEST_DB, HIGHEST_DB = -60.0, -36.0
"""What is below the lowest is always quiet, what is above the highest never; in dB of full scale."""
NOTHING = 1e-10
"""Mean power below which a frame is digital silence, which says nothing of the background."""
ABOVE_FLOOR_DB = 9.0
"""Sound stands out of the background by at least this much."""
FLOOR_BUCKETS = 8
BUCKET_FRAMES = 25
"""The background is the quietest moment of the last ``FLOOR_BUCKETS * BUCKET_FRAMES`` frames (2 s)."""
SMOOTHING = 0.2
"""Weight of a frame in the running energy, whose minimum is the background (time constant 45 ms)."""


def _power(decibels: float) -> float:
    return float(10 ** (decibels / 10))


_LOWEST, _HIGHEST, _ABOVE = _power(LOWEST_DB), _power(HIGHEST_DB), _power(ABOVE_FLOOR_DB)


def energies(samples: NDArray[np.float32]) -> list[float]:
    """Mean power of each whole frame of 10 ms; a rest is left out."""
    count = samples.size // FRAME_SAMPLES
    frames = samples[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
    return (np.einsum("ij,ij->i", frames, frames) / FRAME_SAMPLES).tolist()


class QuietMeter:
    """Judges frames of 10 ms, one after another.

    The background's level is tracked by minimum statistics (after Martin, 2001): the least smoothed energy of
    the last two seconds, since even fluent speech has gaps in that time.
    """

    def __init__(self) -> None:
        self._smooth: float | None = None
        self._buckets: deque[float] = deque(maxlen=FLOOR_BUCKETS)
        self._in_bucket = BUCKET_FRAMES

    def is_quiet(self, energy: float) -> bool:
        """Whether a frame with this mean power is background; it counts for those after it."""
        if energy < NOTHING:
            return True
        smooth = energy if self._smooth is None else self._smooth + SMOOTHING * (energy - self._smooth)
        self._smooth = smooth
        if self._in_bucket == BUCKET_FRAMES:
            self._buckets.append(smooth)
            self._in_bucket = 0
        self._in_bucket += 1
        self._buckets[-1] = min(self._buckets[-1], smooth)
        return energy < min(max(min(self._buckets) * _ABOVE, _LOWEST), _HIGHEST)
