"""Finds dissolves: where one picture turns into another little by little, and both are seen between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_dilation

HALVES = (4, 6, 9, 13)
"""Half the lengths of dissolves that are looked for, in frames."""
LEAST_CHANGE = 7.0
"""Levels by which the pictures before and behind differ at least, beyond what more or less light makes of
them."""
MOST_REST = 0.1
"""What is not explained by a mixture of both, over their difference: things that move are no mixture."""


def dissolves(thumbs: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(N,) which frames are within a dissolve.

    Args:
        thumbs: (N, h, w) small grey pictures of all frames.
    """
    count = len(thumbs)
    found = np.zeros(count, bool)
    rows = thumbs.reshape(count, int(np.prod(thumbs.shape[1:]))).astype(np.float32)
    for half in HALVES:
        if count <= 2 * half:
            break
        before, middle, behind = rows[: -2 * half], rows[half:-half], rows[2 * half :]
        change = behind - before
        size = np.abs(_beyond_light(before, behind)).mean(axis=1)
        # How far the middle one is on the way, and what of it lies on neither side.
        way = ((middle - before) * change).sum(axis=1) / np.maximum((change**2).sum(axis=1), 1e-6)
        rest = np.abs(middle - before - way[:, None] * change).mean(axis=1)
        mixed = (size > LEAST_CHANGE) & (rest < MOST_REST * size) & (way > 0.25) & (way < 0.75)
        if mixed.any():
            centres = np.zeros(count, bool)
            centres[half:-half] = mixed
            found |= binary_dilation(centres, np.ones(2 * (half // 2) + 1))
    return np.asarray(binary_closing(found, np.ones(5)) | found, bool)


def _beyond_light(before: NDArray[np.float32], behind: NDArray[np.float32]) -> NDArray[np.float32]:
    """What of a change is not the same picture, lighter or darker."""
    one = before - before.mean(axis=1, keepdims=True)
    other = behind - behind.mean(axis=1, keepdims=True)
    gain = (one * other).sum(axis=1) / np.maximum((one**2).sum(axis=1), 1e-6)
    return other - gain[:, None] * one
