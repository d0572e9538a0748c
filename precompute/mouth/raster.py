"""From mouth coordinates to pixels of the oversampled source and back."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.mouth.geometry import MouthFrame
from precompute.portrait import OVERSAMPLING

_SUBPIXEL_BITS = 4


def source_pixels(pixels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pixels of the frame to pixels of the source (same view, pixel areas kept)."""
    return (np.asarray(pixels, np.float64) + 0.5) * OVERSAMPLING - 0.5


def fill(shape: tuple[int, int], polygon: NDArray[np.floating], soft: bool = False) -> NDArray[np.uint8]:
    """A mask (255 inside) of a polygon with sub-pixel corners."""
    mask = np.zeros(shape, np.uint8)
    corners = np.round(polygon * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA if soft else cv2.LINE_8, _SUBPIXEL_BITS)
    return mask


def fill_places(
    shape: tuple[int, int], frame: MouthFrame, polygon: NDArray[np.floating], soft: bool = False
) -> NDArray[np.uint8]:
    """A mask over the source of a polygon in mouth coordinates."""
    return fill(shape, source_pixels(frame.to_pixels(polygon)), soft)


def sample_median(picture: NDArray[np.uint8], pixels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Median colour at some places, (channels,)."""
    height, width = picture.shape[:2]
    at = np.clip(np.round(pixels).astype(int), 0, [width - 1, height - 1])
    return np.median(picture[at[:, 1], at[:, 0]].astype(np.float64), axis=0)
