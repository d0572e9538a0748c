"""What Whisper hears: the logarithm of 80 mel band powers, 100 rows per second, as the sound comes.

The same numbers as those of transformers' ``WhisperFeatureExtractor``, row by row: row ``j`` hears the 25 ms
around second ``j / 100``, and before the sound there is its mirror image. The bands are Slaney's, as librosa
has them: linear below 1 kHz, logarithmic above, each of unit area.

What the extractor does with the maximum of its 30 s (nothing is quieter than 80 dB below it) is left to
:func:`levelled`: a sound that still comes has but the maximum so far.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streaming.face.musetalk.resampling import HEARING_RATE

BANDS = 80
ROW_SAMPLES = HEARING_RATE // 100
"""Samples from one row to the next."""
WINDOW_SAMPLES = HEARING_RATE * 25 // 1000
_HALF_WINDOW = WINDOW_SAMPLES // 2
SILENCE = np.float32(-10.0)
"""A band without any power."""
_RANGE = np.float32(8.0)
"""Decades below the maximum that still count."""
_KNEE_HERTZ, _KNEE_MEL, _HERTZ_PER_MEL = 1000.0, 15.0, 200.0 / 3.0
_LOG_STEP = np.log(6.4) / 27.0
_FLOOR = np.float32(1e-10)


class WhisperMel:
    """Rows of a sound that comes in pieces; the same values, bit for bit, however it is cut."""

    def __init__(self) -> None:
        self._heard = np.zeros(0, np.float32)
        self._begun = False

    def push(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples.

        Args:
            pcm: (n,) at 16 kHz, any length.

        Returns:
            The rows that are complete now, (m, 80): decimal logarithms of power, from -10. Row ``j`` hears
            the 12.5 ms before and after sample ``160 j``.
        """
        self._heard = np.concatenate((self._heard, np.asarray(pcm, np.float32)))
        if not self._begun:
            if len(self._heard) <= _HALF_WINDOW:
                return np.zeros((0, BANDS), np.float32)
            # The sound's mirror image, the first sample not twice.
            self._heard = np.concatenate((self._heard[_HALF_WINDOW:0:-1], self._heard))
            self._begun = True
        count = max(0, (len(self._heard) - WINDOW_SAMPLES) // ROW_SAMPLES + 1)
        rows = _rows(self._heard, count)
        self._heard = self._heard[count * ROW_SAMPLES :].copy()
        return rows


def levelled(rows: NDArray[np.float32], maximum: float) -> NDArray[np.float32]:
    """Rows as the encoder takes them: with a floor 8 below the maximum, and scaled.

    Args:
        rows: (m, 80) of :class:`WhisperMel`.
        maximum: the loudest value of the sound, or of as much of it as is known.
    """
    return (np.maximum(rows, np.float32(maximum) - _RANGE) + np.float32(4.0)) / np.float32(4.0)


def _rows(heard: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    if count == 0:
        return np.zeros((0, BANDS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(heard, WINDOW_SAMPLES)[::ROW_SAMPLES][:count]
    spectrum = np.fft.rfft(windows * _WINDOW, axis=1)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32, copy=False)
    # One product per row: a product's last bits depend on how many rows it has.
    bands = np.matmul(power[:, None, :], _FILTERS)[:, 0]
    # Silence is one number, however a logarithm rounds it.
    return np.maximum(np.log10(np.maximum(bands, _FLOOR)), SILENCE)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HERTZ * np.exp(_LOG_STEP * (mels - _KNEE_MEL))
    return np.where(mels < _KNEE_MEL, mels * _HERTZ_PER_MEL, above)


def _filters() -> NDArray[np.float32]:
    """(201, 80) triangles of unit area over hertz, from 0 to 8 kHz."""
    highest = _KNEE_MEL + np.log(HEARING_RATE / 2 / _KNEE_HERTZ) / _LOG_STEP
    corners = _hertz(np.linspace(0.0, highest, BANDS + 2))
    bins = np.linspace(0.0, HEARING_RATE / 2, 1 + _HALF_WINDOW)[:, None]
    low, top, high = corners[:-2], corners[1:-1], corners[2:]
    triangles = np.maximum(np.minimum((bins - low) / (top - low), (high - bins) / (high - top)), 0.0)
    return (triangles * 2.0 / (high - low)).astype(np.float32)


_WINDOW = np.hanning(WINDOW_SAMPLES + 1)[:WINDOW_SAMPLES].astype(np.float32)
_FILTERS = _filters()
