"""How sharp a face is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.mesh_points import EYE_OUTER_LEFT, EYE_OUTER_RIGHT

SEEN_SPAN = 110.0
"""Eye span in pixels at which sharpness is measured."""


def sharpness(picture: NDArray[np.uint8], points: NDArray[np.floating]) -> float:
    """How strong fine detail is around the eyes, against the contrast there.

    The share of the contrast that a blur of one pixel takes away, at an eye span of ``SEEN_SPAN`` pixels:
    .08 to .2 in sharp photos; a blur of two or three pixels brings them below .04 to .06.

    Args:
        picture: (H, W, 3) BGR.
        points: (468, 2) landmarks in its pixels.
    """
    eyes = points[[EYE_OUTER_LEFT, EYE_OUTER_RIGHT]]
    span = max(float(np.linalg.norm(eyes[0] - eyes[1])), 1e-6)
    low, high = eyes.min(axis=0) - 0.25 * span, eyes.max(axis=0) + 0.25 * span
    x0, y0 = np.clip(low.astype(int), 0, None)
    x1, y1 = np.ceil(high).astype(int)
    part = cv2.cvtColor(picture[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY)
    scale = SEEN_SPAN / span
    size = max(8, round(part.shape[1] * scale)), max(8, round(part.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    grey = cv2.resize(part, size, interpolation=method).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.0)
    return float(fine.std() / max(float(grey.std()), 1e-3))
