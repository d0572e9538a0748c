"""Smooths the loudness of speech into what moves the head."""

from __future__ import annotations

import math

from streaming.compositor.life import Speaking
from streaming.slots import Patch
from streaming.timing import SLOT_SECONDS

ATTACK_SECONDS = 0.12
RELEASE_SECONDS = 0.45
MEAN_SECONDS = 0.9
ACCENT_GAIN = 2.0
BROW_SECONDS = 0.12


class SpeechEnergy:
    """Follows one session's speech; the only part of the head's motion that remembers.

    The head is heavy: it follows loudness over a tenth of a second and comes back over half a second.
    """

    def __init__(self) -> None:
        self._index: int | None = None
        self._energy = 0.0
        self._mean = 0.0
        self._brow = 0.0

    def follow(self, index: int, patch: Patch | None) -> Speaking:
        """What speech does to the head in slot ``index``; ``None`` is silence."""
        elapsed = SLOT_SECONDS * (1 if self._index is None else max(1, index - self._index))
        self._index = index
        loudness = 0.0 if patch is None else _unit(patch.energy)
        rising = loudness > self._energy
        self._energy += (loudness - self._energy) * _share(
            elapsed, ATTACK_SECONDS if rising else RELEASE_SECONDS
        )
        self._mean += (loudness - self._mean) * _share(elapsed, MEAN_SECONDS)
        brow = 0.0 if patch is None else _unit(patch.brow)
        self._brow += (brow - self._brow) * _share(elapsed, BROW_SECONDS)
        accent = min(1.0, max(0.0, ACCENT_GAIN * (self._energy - self._mean)))
        return Speaking(self._energy, accent, self._brow)


def _share(elapsed: float, constant: float) -> float:
    """How much of a step a first-order filter takes in ``elapsed`` seconds."""
    return 1 - math.exp(-elapsed / constant)


def _unit(value: float) -> float:
    return min(value, 1.0) if value > 0 else 0.0
