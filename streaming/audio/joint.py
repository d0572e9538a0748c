"""Joins sound where something is missing in between, without a click."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streaming.timing import SPEECH_RATE

JOINT_SECONDS = 0.005
_JOINT_SAMPLES = round(JOINT_SECONDS * SPEECH_RATE)
_SLOPE: NDArray[np.float32] = ((1 + np.cos(np.pi * np.arange(_JOINT_SAMPLES) / _JOINT_SAMPLES)) / 2).astype(
    np.float32
)


def joined(last: float, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """``samples`` (n,) as they may follow a sound that broke off at the value ``last``.

    The step between the two is spread over 5 ms; before silence that is a short fade. Nothing has to be known
    ahead.
    """
    out = samples.astype(np.float32, copy=True)
    if out.size:
        count = min(out.size, _JOINT_SAMPLES)
        out[:count] += np.float32(last - float(samples[0])) * _SLOPE[:count]
    return out
