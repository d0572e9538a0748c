"""Exact edges for a matte: hair and the rim of clothing, from the picture itself."""

from __future__ import annotations

import importlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]

SURE, UNSURE = 0.9, 0.1
"""Above the first a pixel is the person's, below the second the background's."""
RIM = 0.01
"""Of the picture's side: what is so near to a sure region's edge is looked at anew."""
SHIFTS = (1e-3, 1e-2)
"""Of the preconditioner's diagonal. pymatting begins with none, which often fails, and prints so."""
REACH = 0.03
"""Of the picture's side: farther from the outline nothing is uncertain, whatever the network says."""


def refine_edges(image: Image, alpha: Alpha) -> Alpha:
    """Closed-form matting (Levin et al., 2008; pymatting, which comes with rembg) along the outline.

    On renders before busy pictures it cuts the mean error of a small network's mattes to a half where the
    network is right; where it is wrong it changes little.

    Args:
        image: (H, W, 3) BGR.
        alpha: (H, W), 0..1, of a network.

    Returns:
        (H, W), 0..1; ``alpha`` itself where there is no outline, or pymatting finds no solution.
    """
    trimap = _trimap(alpha)
    unknown = trimap == 0.5
    if not unknown.any() or not (trimap == 0).any() or not (trimap == 1).any():
        return alpha
    estimate: Any = importlib.import_module("pymatting.alpha.estimate_alpha_cf").estimate_alpha_cf
    ichol: Any = importlib.import_module("pymatting.preconditioner.ichol").ichol
    try:
        refined = estimate(
            image[..., ::-1].astype(np.float64) / 255,
            trimap,
            preconditioner=lambda matrix: ichol(matrix, shifts=SHIFTS),
        )
    except ValueError:
        # No preconditioner fits, or the solver does not converge.
        return alpha
    return np.where(np.isfinite(refined), np.clip(refined, 0, 1), alpha).astype(np.float32)


def _trimap(alpha: Alpha) -> NDArray[np.float64]:
    """1 where the person is for sure, 0 where not, 0.5 where the picture decides."""
    side = max(alpha.shape)
    rim = 2 * max(1, round(side * RIM)) // 2 * 2 + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim))
    inside = (alpha > 0.5).astype(np.uint8)
    from_inside = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    from_outside = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    reach = side * REACH
    person = (cv2.erode((alpha > SURE).astype(np.uint8), kernel) > 0) | (from_inside > reach)
    behind = (cv2.erode((alpha < UNSURE).astype(np.uint8), kernel) > 0) | (from_outside > reach)
    trimap = np.full(alpha.shape, 0.5)
    trimap[person], trimap[behind] = 1.0, 0.0
    return trimap
