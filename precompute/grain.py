"""The noise of a photo, so that what is drawn into it gets as much."""

from __future__ import annotations

import cv2
import numpy as np

from precompute.mesh_points import CHEEK_PATCHES
from precompute.portrait import Portrait

FINE = 1.2
"""Grain is what a blur of this many pixels takes away."""
REACH = 8


def photo_grain(portrait: Portrait) -> float:
    """Standard deviation of the portrait's grain on the cheeks, in grey levels."""
    grey = cv2.cvtColor(portrait.frame, cv2.COLOR_BGR2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), FINE)
    at = np.clip(portrait.landmarks[list(CHEEK_PATCHES), :2].astype(int), REACH, portrait.size - REACH)
    return float(np.median([fine[y - REACH : y + REACH, x - REACH : x + REACH].std() for x, y in at]))
