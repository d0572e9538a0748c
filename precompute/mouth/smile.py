"""Photos whose mouth is open: how they close, and how their own teeth are kept."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.mouth.geometry import KNOTS, MIDDLE, Contours, Mouth, dense
from precompute.mouth.raster import fill_places, source_pixels
from precompute.portrait import OVERSAMPLING

Image = NDArray[np.uint8]

REST_WIDTH = 0.60
WIDTH_RELAXED = 0.65
"""A smile wider than ``REST_WIDTH`` gives back this share of the difference at rest."""
SMILE_CLOSING, TALK_CLOSING = 0.68, 0.40
"""Where in the gap the lips meet. In a posed smile the jaw is shut and the upper lip comes down; without
teeth in sight the jaw hangs and the lower lip comes up with it."""
LIP_OVER_TEETH = 0.020
"""At rest the lower lip covers this much of the upper teeth's edges..."""
SMILE_CLOSING_LIMITS = 0.45, 0.85
"""... as long as the lips meet between these shares of the gap."""
CORNER_DROP_WIDTH, CORNER_DROP_GAP = 0.25, 0.40
EVEN_ACROSS, EVEN_DOWN = 0.045, 0.012
"""Radii over which the colour that replaces an opening is evened out."""
DARK_CORNER = 0.80
"""Pixels around the opening darker than this much of the lip are the opening's shadow, not lip."""


def relax(photo: Contours, teeth: bool, biting: float | None = None) -> tuple[Contours, float]:
    """Lip edges of the closed, relaxed mouth of an open one, and how far its chin rises.

    Args:
        photo: lip edges in the photo.
        teeth: the photo shows teeth.
        biting: height of the upper teeth's biting edge, when it is known.
    """
    rest = photo.copy()
    width = float(photo.outer_upper[-1, 0] - photo.outer_upper[0, 0])
    inward = max(0.0, (width - REST_WIDTH) / 2) * WIDTH_RELAXED
    gap = photo.gap
    closing = SMILE_CLOSING if teeth else TALK_CLOSING
    if biting is not None:
        covered = (biting - LIP_OVER_TEETH - photo.inner_upper[MIDDLE, 1]) / max(float(gap[MIDDLE]), 1e-3)
        closing = float(np.clip(covered, *SMILE_CLOSING_LIMITS))
    seam = photo.inner_upper[:, 1] + closing * gap
    corners = (photo.inner_upper[0, 1] + photo.inner_upper[-1, 1]) / 2
    curl = float(photo.inner_upper[MIDDLE, 1] - corners + closing * gap[MIDDLE])
    drop = (CORNER_DROP_WIDTH * inward + CORNER_DROP_GAP * curl) * KNOTS**2
    for edge in rest.all():
        edge[:, 0] *= 1 - inward / (width / 2)
    rest.inner_upper[:, 1] = rest.inner_lower[:, 1] = seam + drop
    rise = 0.0 if teeth else 0.8 * (1 - closing) * float(gap[MIDDLE])
    lower = 0.14 * gap if teeth else 0.8 * (1 - closing) * gap
    rest.outer_upper[:, 1] += (0.30 if teeth else 0.6 * closing) * gap + drop
    rest.outer_lower[:, 1] += drop - lower
    return rest, rise


def clear_opening(source: Image, mouth: Mouth) -> Image:
    """A source without the opening, lip colour in its place, so that no tooth rides on a moving lip.

    Returns:
        The (2S, 2S, 3) source to warp.
    """
    unit = mouth.frame.unit * OVERSAMPLING
    ring = np.vstack([dense(mouth.photo.inner_upper), dense(mouth.photo.inner_lower)[::-1]])
    opening = fill_places(source.shape[:2], mouth.frame, ring, soft=True)
    r = max(1, round(0.010 * unit))
    hole = cv2.dilate(opening, _ellipse(r, r))
    # The shadow at the corners reaches past the mesh's contour.
    grey = cv2.cvtColor(source, cv2.COLOR_BGR2GRAY)
    around = cv2.dilate(opening, _ellipse(round(0.04 * unit), round(0.02 * unit))) > 0
    edge = grey[(hole > 0) & (opening == 0)]
    lip = float(np.median(edge)) if edge.size else 0.0
    hole[around & (grey < lip * DARK_CORNER)] = 255
    hole = cv2.dilate(hole, np.ones((5, 5), np.uint8))
    corners = source_pixels(mouth.frame.to_pixels(ring))
    margin = round(0.2 * unit)
    x0, y0 = np.clip(corners.min(axis=0).astype(int) - margin, 0, None)
    x1, y1 = corners.max(axis=0).astype(int) + margin
    cleared = source.copy()
    part = np.ascontiguousarray(source[y0:y1, x0:x1])
    missing = hole[y0:y1, x0:x1]
    filled = cv2.inpaint(part, np.minimum(missing, 1), 4, cv2.INPAINT_TELEA)
    # Inpainting runs in streaks, and lip ends sharply where it meets a dark corner; lips do neither.
    even = cv2.GaussianBlur(filled, (0, 0), sigmaX=EVEN_ACROSS * unit, sigmaY=EVEN_DOWN * unit)
    soft = cv2.GaussianBlur(missing, (0, 0), EVEN_DOWN * unit).astype(np.float32) / 255
    soft *= missing > 0
    cleared[y0:y1, x0:x1] = cv2.blendLinear(filled, even, 1 - soft, soft)
    return cleared


def _ellipse(rx: int, ry: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(rx, 1) + 1, 2 * max(ry, 1) + 1))
