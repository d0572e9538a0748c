"""Pictures of a person without a background: own colours up to the outermost hair, light grey behind."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.photo import BEHIND

Image = NDArray[np.uint8]

GREY = BEHIND[::-1]
"""BGR."""
RIM = 12
"""Pixels beyond the matte over which the person's colours turn into grey: whoever shrinks, sharpens, moves or
codes the picture mixes pixels with their neighbours, and grey must not get into hair."""


def over_grey(colours: Image, alpha: NDArray[np.float32]) -> Image:
    """The person's own colours wherever the matte is above 0, and grey elsewhere.

    Args:
        colours: (H, W, 3) BGR of the person, without the old background; of any value where ``alpha`` is 0.
        alpha: (H, W), 0..1.
    """
    there = alpha > 0
    if there.all() or not there.any():
        return colours.copy() if there.any() else np.full_like(colours, GREY)
    # Each pixel near the person gets the colour of the nearest one that is the person's.
    away, found = cv2.distanceTransformWithLabels(
        (~there).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = np.asarray(found, np.int32)
    palette = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    palette[labels[there]] = colours[there]
    # The first half is kept whole, so that a few pixels of movement stay within it.
    share = np.clip(2 - 2 * np.asarray(away, np.float32) / RIM, 0, 1)[..., None]
    mixed = palette[labels] * share + np.array(GREY, np.float32) * (1 - share)
    return np.where(there[..., None], colours, np.clip(mixed + 0.5, 0, 255)).astype(np.uint8)
