"""Chance that can be asked again: numbers that follow from their arguments alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1
_SEED, _STREAM, _NUMBER = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03, 0x8CB92BA72F3D8DD7
_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
"""Shifts and factors of the splitmix64 mixer (Steele, Lea and Flood 2014)."""


def chance(seed: int, stream: int, number: int) -> float:
    """An evenly spread number in 0..1; ``stream`` keeps questions of different kinds apart."""
    z = (seed * _SEED + stream * _STREAM + number * _NUMBER + 1) & _MASK
    for shift, factor in _STEPS:
        z = ((z ^ (z >> shift)) * factor) & _MASK
    return (z >> 11) / (1 << 53)


def chances(seed: int, stream: int, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """:func:`chance` for many numbers at once, in their shape."""
    base = np.uint64((seed * _SEED + stream * _STREAM + 1) & _MASK)
    # Whole numbers of 64 bits wrap around by themselves, which is the mask above.
    z = numbers.astype(np.uint64) * np.uint64(_NUMBER) + base
    for shift, factor in _STEPS:
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return (z >> np.uint64(11)).astype(np.float64) / (1 << 53)
