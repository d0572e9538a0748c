"""What the listening face hears: the logarithm of mel band powers, 100 rows per second.

Bands follow the mel scale of O'Shaughnessy (1987), ``2595 log10(1 + f / 700)``. They end at 7600 Hz, so
speech that was once sampled at 16 kHz sounds the same to the network as speech sampled at 24 kHz.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streaming.timing import SPEECH_RATE

BANDS = 40
LOWEST_HERTZ, HIGHEST_HERTZ = 80.0, 7600.0
ROW_SAMPLES = SPEECH_RATE // 100
"""Samples from one row to the next."""
WINDOW_SAMPLES = SPEECH_RATE * 25 // 1000
"""Each row hears this many samples, the last ones up to its end: nothing waits for later sound."""
ROWS_PER_STEP = 2
STEP_SAMPLES = ROWS_PER_STEP * ROW_SAMPLES
"""Rows come in pairs: the network makes one row of curves from two rows."""
FFT_POINTS = 768
FLOOR = 1e-9
"""Power added to every band, relative to a full-scale sine: -90 dB."""

_PAST = WINDOW_SAMPLES - ROW_SAMPLES


class LogMel:
    """Rows of a sound that comes in pieces; the same values, bit for bit, however it is cut."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next push starts a new sound, with silence before it."""
        self._heard = np.zeros(_PAST, np.float32)

    def push(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples.

        Args:
            pcm: (n,) mono at 24 kHz, range -1..1, any length.

        Returns:
            The rows that are complete now, (2m, 40): natural logarithms of power. Row ``i`` of the sound
            hears the 25 ms that end ``10 (i + 1)`` ms after its start. Samples that fill no pair of rows wait
            for the next push.
        """
        self._heard = np.concatenate((self._heard, np.asarray(pcm, np.float32)))
        steps = (len(self._heard) - _PAST) // STEP_SAMPLES
        rows = _rows(self._heard, steps)
        self._heard = self._heard[steps * STEP_SAMPLES :].copy()
        return rows


def log_mel(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of a whole sound at once, as :meth:`LogMel.push` gives them; what fills no pair is left out."""
    return LogMel().push(pcm)


def mel_power(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Band powers of a whole sound without the logarithm and its floor, (2m, 40)."""
    heard = np.concatenate((np.zeros(_PAST, np.float32), np.asarray(pcm, np.float32)))
    return _power(heard, len(pcm) // STEP_SAMPLES)


def _rows(heard: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    return np.log(_power(heard, steps) + np.float32(FLOOR))


def _power(heard: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    if steps == 0:
        return np.zeros((0, BANDS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(heard, WINDOW_SAMPLES)[::ROW_SAMPLES]
    spectrum = np.fft.rfft(windows[: steps * ROWS_PER_STEP] * _WINDOW, FFT_POINTS, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    # One small product per pair: a product's last bits depend on how many rows it has.
    pairs = power.astype(np.float32, copy=False).reshape(steps, ROWS_PER_STEP, -1)
    return np.matmul(pairs, _FILTERS).reshape(-1, BANDS)


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))


def _filters() -> NDArray[np.float32]:
    """(points / 2 + 1, 40) triangles, each of unit sum; a full-scale sine has power 1 at its peak."""
    mels = np.linspace(_mel(LOWEST_HERTZ), _mel(HIGHEST_HERTZ), BANDS + 2)
    corners = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    bins = np.arange(FFT_POINTS // 2 + 1)[:, None] * SPEECH_RATE / FFT_POINTS
    low, top, high = corners[:-2], corners[1:-1], corners[2:]
    triangles = np.maximum(np.minimum((bins - low) / (top - low), (high - bins) / (high - top)), 0.0)
    triangles /= triangles.sum(axis=0)
    return (triangles / (_WINDOW.sum() / 2) ** 2).astype(np.float32)


_WINDOW = np.hanning(WINDOW_SAMPLES + 1)[:WINDOW_SAMPLES].astype(np.float32)
_FILTERS = _filters()
