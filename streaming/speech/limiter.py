"""Peaks of raised speech are bent instead of clipped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KNEE, CEILING = 0.8, 0.97
"""Samples beyond the knee bend towards the ceiling: some 10 in five minutes would clip otherwise, and what
codecs add to a peak needs room, too."""


def limited(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bend samples of ``pcm`` (n,) beyond :data:`KNEE`, in place, so that none passes :data:`CEILING`."""
    peaks = np.abs(pcm) > KNEE
    if peaks.any():
        room = CEILING - KNEE
        high = pcm[peaks]
        pcm[peaks] = np.copysign(KNEE + room * np.tanh((np.abs(high) - KNEE) / room), high)
    return pcm
