"""Sharpening in advance, so that a linear remap at run time keeps the look of a cubic one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

AMOUNT = 0.5
SIGMA = 1.0
REACH = 3
"""Pixels around each pixel that decide it."""


def sharpen(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Unsharp mask of a (h, w, 3) picture 0..255, as uint8."""
    side = 2 * REACH + 1
    image = picture.astype(np.float32)
    soft = cv2.GaussianBlur(image, (side, side), SIGMA, borderType=cv2.BORDER_REPLICATE)
    return np.clip(image + AMOUNT * (image - soft) + 0.5, 0, 255).astype(np.uint8)
