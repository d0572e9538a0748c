"""What else is in the air, as band powers: cheap enough to be new in every batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streaming.face.log_mel import BANDS

Powers = NDArray[np.float64]

_TILT = np.linspace(-1.0, 1.0, BANDS)
_BAND = np.arange(BANDS)
HUM_SHARE, CLICK_SHARE, MUSIC_SHARE = 0.12, 0.14, 0.12
MODULATED_SHARE = 0.5
SLOPES = (-8.0, 3.0)
"""Change of the logarithm from the lowest to the highest band."""
RIPPLE = 1.2
QUIET = 1e-4
BANDS_PER_OCTAVE = 9.0
"""Roughly, in the middle."""
MOST_HARMONICS = 14


def noise(rows: int, rng: np.random.Generator) -> Powers:
    """Random noise (rows, 40) with a mean power of 1."""
    kind = rng.random()
    if kind < HUM_SHARE:
        power = _hum(rows, rng)
    elif kind < HUM_SHARE + CLICK_SHARE:
        power = _clicks(rows, rng)
    elif kind < HUM_SHARE + CLICK_SHARE + MUSIC_SHARE:
        power = _music(rows, rng)
    else:
        power = _hiss(rows, rng)
    return power / power.mean()


def ripple(rng: np.random.Generator, size: float = RIPPLE) -> NDArray[np.float64]:
    """A smooth random curve over the bands."""
    return np.convolve(rng.normal(0, size, BANDS + 4), np.ones(5) / 5, "valid")


def _hiss(rows: int, rng: np.random.Generator) -> Powers:
    """Steady or slowly changing noise of any colour."""
    shape = np.exp(rng.uniform(*SLOPES) * (_TILT + 1) / 2 + rng.normal(0, 0.8) * _TILT**2 + ripple(rng))
    grain = float(rng.choice((3.0, 3.0, 8.0)))
    power = rng.gamma(grain, 1 / grain, (rows, BANDS)) * shape
    if rng.random() < MODULATED_SHARE:
        knots = max(2, rows // int(rng.integers(6, 60)))
        levels = rng.normal(0, rng.uniform(0.2, 1.8), knots)
        power *= np.exp(np.interp(np.arange(rows), np.linspace(0, rows, knots), levels))[:, None]
    return power


def _hum(rows: int, rng: np.random.Generator) -> Powers:
    """Mains, motors, steady whistles."""
    line = np.zeros(BANDS)
    for _ in range(int(rng.integers(1, 9))):
        shape = np.exp(-0.5 * np.square((_BAND - rng.uniform(0, 34)) / rng.uniform(0.5, 2.5)))
        line += shape * np.exp(rng.normal())
    line *= np.exp(-rng.uniform(0, 0.2) * _BAND)
    return line * np.exp(rng.normal(0, 0.12, (rows, BANDS))) + QUIET


def _clicks(rows: int, rng: np.random.Generator) -> Powers:
    """Knocks and typing."""
    power = np.full((rows, BANDS), QUIET)
    for at in rng.integers(0, rows, int(rng.integers(2, 40))):
        decay = np.exp(-np.arange(min(25, rows - at)) / rng.uniform(0.6, 5))
        power[at : at + len(decay)] += np.outer(
            decay, np.exp(ripple(rng) + rng.uniform(-2, 2) * _TILT + rng.normal())
        )
    return power


def _music(rows: int, rng: np.random.Generator) -> Powers:
    """Chords."""
    power = np.full((rows, BANDS), QUIET)
    at = 0
    while at < rows:
        length = min(int(rng.integers(8, 60)), rows - at)
        decay = np.exp(-np.arange(length) / rng.uniform(10, 60))
        for _ in range(int(rng.integers(1, 4))):
            low, fall = rng.uniform(0, 20), rng.uniform(0.5, 2.0)
            for harmonic in range(1, int(rng.integers(2, MOST_HARMONICS))):
                centre = low + BANDS_PER_OCTAVE * np.log2(harmonic)
                if centre > BANDS:
                    break
                band = np.exp(-0.5 * np.square((_BAND - centre) / 0.7)) * rng.uniform(0.1, 1) / harmonic**fall
                power[at : at + length] += np.outer(decay, band)
        at += length
    return power
