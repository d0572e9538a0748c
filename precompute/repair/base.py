"""What draws missing pixels, and how networks are shown no more than they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

NETWORK_SIDE = 512
"""Networks see the surroundings of what is missing, at most this large."""
CONTEXT = 0.75
"""Surroundings on each side, in sides of what is missing."""
MIN_CONTEXT = 64


class Inpainter(Protocol):
    """Draws missing pixels."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        ...

    def fill(self, image: Image, missing: Mask) -> Image:
        """A copy of a (H, W, 3) BGR picture with what is missing (H, W) drawn; all else is unchanged.

        Raises:
            EngineFailed: it broke.
        """
        ...


def fill_around(image: Image, missing: Mask, run: Callable[[Image, Mask], Image]) -> Image:
    """Let a network draw each region that is missing, one after the other.

    Args:
        image: (H, W, 3) BGR.
        missing: (H, W).
        run: the network: gets an RGB picture of at most ``NETWORK_SIDE`` and its missing pixels.

    Returns:
        (H, W, 3) BGR; a copy.
    """
    result = image.copy()
    joined = cv2.dilate(missing.astype(np.uint8), np.ones((9, 9), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for x, y, w, h, _ in stats[1:].tolist():
        margin = max(round(CONTEXT * max(w, h)), MIN_CONTEXT)
        x0, y0 = max(0, x - margin), max(0, y - margin)
        x1, y1 = min(image.shape[1], x + w + margin), min(image.shape[0], y + h + margin)
        part, holes = result[y0:y1, x0:x1], missing[y0:y1, x0:x1]
        scale = min(1.0, NETWORK_SIDE / max(part.shape[:2]))
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        small_holes = cv2.resize(holes.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        drawn = run(np.ascontiguousarray(small[..., ::-1], np.uint8), small_holes)
        back = cv2.resize(drawn, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_CUBIC)
        part[holes] = np.asarray(back, np.uint8)[..., ::-1][holes]
    return result
