"""Quiet voices and loud ones sound alike to the network: a slow gain on mel rows, led by voices only."""

from __future__ import annotations

import math

import numpy as np

from streaming.face.log_mel import FLOOR
from streaming.face.viseme_net import STEP_MS, Rows

QUIET, LOUD = -26.0, -12.0
"""Voices within this range are left alone: mean of their rows, in decibels of summed mel power."""
MOST_GAIN = 32.0
SPEED = 12.0
"""The gain changes by at most so many decibels per second of voice."""
VOICE = 0.75
"""The network is this sure that somebody speaks; what else sounds has no say, so noise is never pulled up."""
MEMORY_SECONDS = 4.0
TRUST_SECONDS = 0.6
"""Voice that must be heard before the gain moves."""
_PER_DECIBEL = math.log(10) / 10


class MelLevel:
    """The gain of one sound. Its own output decides it: call :meth:`apply`, then :meth:`listen`."""

    def __init__(self) -> None:
        self._level = QUIET
        self._voiced = 0
        self._gain = 0.0

    def apply(self, rows: Rows) -> Rows:
        """(n, 40) rows as they sound with the gain of this moment."""
        if self._gain == 0.0:
            return rows
        power = np.maximum(np.exp(rows) - np.float32(FLOOR), 0.0)
        return np.log(power * np.float32(math.exp(self._gain * _PER_DECIBEL)) + np.float32(FLOOR))

    def listen(self, rows: Rows, voice: float) -> None:
        """Learn from rows as they came, and from how sure the network is that somebody speaks in them."""
        if voice < VOICE:
            return
        step = len(rows) / 2
        power = float(np.exp(rows).sum() / len(rows))
        self._voiced += step
        seconds = self._voiced * STEP_MS / 1000
        # A mean of powers: the loud parts of speech are what it has in common.
        weight = min(1.0, max(step * STEP_MS / 1000 / MEMORY_SECONDS, step / self._voiced))
        before = math.exp(self._level * _PER_DECIBEL)
        self._level = math.log(before + (power - before) * weight) / _PER_DECIBEL
        if seconds < TRUST_SECONDS:
            return
        wanted = min(max(QUIET - self._level, min(LOUD - self._level, 0.0)), MOST_GAIN)
        most = SPEED * step * STEP_MS / 1000
        self._gain += min(max(wanted - self._gain, -most), most)
