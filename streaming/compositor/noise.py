"""Motion that never repeats: value noise, smooth as a cubic B-spline, drawn from hashed numbers.

Its spectrum ends near half a cycle per cell, and moments more than four cells apart have nothing in common.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from streaming.compositor.chance import chances

_DEVIATION = math.sqrt(151 / 315 / 3)
"""Standard deviation of the spline over numbers spread evenly in -1..1: the mean of the basis' squares is
151/315."""


def smooth_noise(
    seed: int, stream: int, slots: NDArray[np.float64], cell: float, period: float | None = None
) -> NDArray[np.float64]:
    """Band-limited noise of mean 0 and standard deviation 1 at any moments; never beyond about 2.5.

    Args:
        seed: of the session.
        stream: which noise; streams are independent.
        slots: moments in slots.
        cell: slots from one random number to the next.
        period: slots after which the noise repeats; cells then stretch to fit.

    Returns:
        In the shape of ``slots``.
    """
    count = None if period is None else max(1, round(period / cell))
    where = slots / (cell if count is None or period is None else period / count)
    left = np.floor(where)
    u = where - left
    cells = left.astype(np.int64)[..., None] + np.arange(4)
    values = 2 * chances(seed, stream, cells if count is None else cells % count) - 1
    weights = np.stack(
        [(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3], axis=-1
    )
    return (values * weights).sum(axis=-1) / 6 / _DEVIATION
