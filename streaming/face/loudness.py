"""How lively the voice is, frame by frame: a smoothed level of the sound."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from streaming.timing import SLOT_SAMPLES

_BLOCK = SLOT_SAMPLES // 2
QUIET_DECIBELS, LOUD_DECIBELS = -45.0, -15.0
"""RMS levels that count as 0 and as 1."""
ATTACK, RELEASE = 0.5, 0.2
"""Share of the way to a louder, and to a quieter level, that is gone per frame."""


class Loudness:
    """Turns PCM into one value in 0..1 per frame; a frame looks 20 ms beyond either edge of its slot."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        # Mean squares of half slots; the first stands for the half before the utterance.
        self._squares: list[float] = [0.0]
        self._level = 0.0
        self.decibels = -math.inf
        """RMS level of the last frame that was taken, as it is."""

    def add(self, pcm: NDArray[np.float32]) -> None:
        """Take the next samples."""
        samples = np.concatenate((self._rest, pcm)) if self._rest.size else pcm
        count = len(samples) // _BLOCK
        blocks = samples[: count * _BLOCK].reshape(count, _BLOCK)
        self._squares += (np.einsum("ij,ij->i", blocks, blocks) / _BLOCK).tolist()
        self._rest = samples[count * _BLOCK :].copy()

    def take(self) -> float:
        """The value of the next frame. What is not there yet counts as silence."""
        window = self._squares[:4]
        del self._squares[:2]
        self.decibels = 10 * math.log10(sum(window) / 4 + 1e-12)
        target = min(max((self.decibels - QUIET_DECIBELS) / (LOUD_DECIBELS - QUIET_DECIBELS), 0.0), 1.0)
        self._level += (target - self._level) * (ATTACK if target > self._level else RELEASE)
        return self._level

    def finish(self) -> None:
        """Nothing follows: count the samples that fill no block."""
        if self._rest.size:
            self._squares.append(float(np.square(self._rest).sum()) / _BLOCK)
            self._rest = self._rest[:0]
