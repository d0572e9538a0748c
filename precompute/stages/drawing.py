"""What previews of stages are drawn with."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.sheet import label

Image = NDArray[np.uint8]

POINT = (255, 220, 120)
"""BGR of a landmark."""
POINT_SHARE = 0.65
CHECKS = (205, 235)
"""Grey levels of a checkerboard."""
CHECK_SIDES = 32
"""Fields along a picture's side."""
GAP = 8
WORDS = 0.9
"""Size of the font."""


def draw_mesh(picture: Image, points: NDArray[np.floating]) -> Image:
    """A copy of a (H, W, 3) BGR picture with landmarks (n, 2) drawn lightly over it."""
    over = picture.copy()
    radius = max(1, round(float(np.ptp(points[:, 0])) / 160))
    for x, y in np.rint(points).astype(int).tolist():
        cv2.circle(over, (x, y), radius, POINT, -1, cv2.LINE_AA)
    return np.asarray(cv2.addWeighted(over, POINT_SHARE, picture, 1 - POINT_SHARE, 0), np.uint8)


def over_checks(colours: Image, alpha: NDArray[np.floating]) -> Image:
    """A (H, W, 3) BGR person of a (H, W) matte, 0..1, before a checkerboard."""
    height, width = alpha.shape
    side = max(1, max(height, width) // CHECK_SIDES)
    odd = (np.arange(height)[:, None] // side + np.arange(width)[None] // side) % 2
    board = np.where(odd, *CHECKS)[..., None]
    share = alpha[..., None]
    return np.clip(colours * share + board * (1 - share) + 0.5, 0, 255).astype(np.uint8)


def side_by_side(pictures: Sequence[Image], words: Sequence[str]) -> Image:
    """Pictures (H, W, 3) of one height in a row, each with a few words in its corner."""
    height = pictures[0].shape[0]
    gap = np.full((height, GAP, 3), 255, np.uint8)
    row: list[Image] = []
    for picture, text in zip(pictures, words, strict=True):
        row += [gap, label(np.ascontiguousarray(picture), text, WORDS)]
    return np.asarray(np.hstack(row[1:]), np.uint8)


def shrunk(picture: Image, height: int) -> Image:
    """A picture (H, W, 3) at another, smaller height."""
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
