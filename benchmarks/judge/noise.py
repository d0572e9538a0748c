"""Sound in which nobody speaks: a mouth that moves to it is wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.utterances import Utterance
from streaming.timing import SPEECH_RATE

SECONDS = 8
DECIBELS = -40.0
"""RMS level of the noises below full scale."""
HUM_HERTZ, HUM_HARMONICS = 50.0, 8
ROOM_SHARE = 0.5
"""Air noise beside a room's hum."""


def silences() -> tuple[Utterance, ...]:
    """Digital silence, and noises at :data:`DECIBELS`; always the same."""
    count = SECONDS * SPEECH_RATE
    rng = np.random.default_rng(0)
    sounds = {
        "digital silence": np.zeros(count),
        "white noise": rng.standard_normal(count),
        "pink noise": _pink(count, rng),
        "room hum": _hum(count) + ROOM_SHARE * _pink(count, rng),
    }
    return tuple(Utterance(name, name, _levelled(sound)) for name, sound in sounds.items())


def _pink(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(rng.standard_normal(count))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), count)
    return noise / noise.std()


def _hum(count: int) -> NDArray[np.float64]:
    """A mains hum: a saw-like row of harmonics, RMS 1."""
    t = np.arange(count) / SPEECH_RATE
    hum = np.sum([np.sin(2 * np.pi * HUM_HERTZ * k * t) / k for k in range(1, HUM_HARMONICS + 1)], axis=0)
    return hum / hum.std()


def _levelled(sound: NDArray[np.float64]) -> NDArray[np.float32]:
    level = float(np.sqrt(np.square(sound).mean()))
    return (sound * (10 ** (DECIBELS / 20) / level if level else 1.0)).astype(np.float32)
