"""Finds the teeth that an open mouth shows in a photo, so that a person keeps them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.mouth.geometry import Contours, MouthFrame, OwnTeeth, dense, lip_middle
from precompute.mouth.raster import fill_places, sample_median, source_pixels
from precompute.portrait import OVERSAMPLING

Image = NDArray[np.uint8]

TOOTH_LIGHT, TOOTH_RED = 1.06, 0.68
"""Teeth in an opening are brighter than this much of the lip's lightness, and less red (a* of CIELAB) than
this much of it: tongue and lips are neither."""
LEAST_TEETH = 0.06
"""Share of an opening below which the bright spots in it are no row of teeth."""
UPPER_TEETH = 0.45
"""Teeth that begin further down the gap than this are lower ones."""
EDGE_WIDTH, EDGE_SHARE = 0.09, 0.80
"""The biting edge is where this share of the columns ends above, within this far of the middle."""
DIM_MARGIN = 0.008
"""The lips' edges are not taken along."""
ARC_LIMITS = -2.5, 0.5
FADING_ENDS = 0.035


def find_own_teeth(source: Image, frame: MouthFrame, photo: Contours) -> OwnTeeth | None:
    """The upper teeth between the lips of a photo, if they are to be seen.

    Args:
        source: (2S, 2S, 3).
        frame: mouth coordinates.
        photo: lip edges in the photo.
    """
    unit = frame.unit * OVERSAMPLING
    ring = np.vstack([dense(photo.inner_upper), dense(photo.inner_lower)[::-1]])
    opening = fill_places(source.shape[:2], frame, ring, soft=True)
    lip = sample_median(source, source_pixels(frame.to_pixels(lip_middle(photo))))
    lip_lab = cv2.cvtColor(lip.astype(np.uint8)[None, None], cv2.COLOR_BGR2LAB)[0, 0].astype(float)
    lab = cv2.cvtColor(cv2.GaussianBlur(source, (0, 0), 1.0), cv2.COLOR_BGR2LAB).astype(np.float32)
    tooth = (lab[..., 0] > TOOTH_LIGHT * lip_lab[0]) & (lab[..., 1] - 128 < TOOTH_RED * (lip_lab[1] - 128))
    # Lines between teeth belong to them; single bright spots do not.
    r = max(1, round(0.012 * unit))
    mask = np.where(tooth & (opening > 127), np.uint8(255), np.uint8(0))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _ellipse(r, r))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _ellipse(max(1, r // 2), max(1, r // 2)))
    mask = _upper_part(np.asarray(cv2.bitwise_and(mask, opening), np.uint8), frame, photo)
    rows, columns = np.nonzero(mask)
    if len(rows) < LEAST_TEETH * np.count_nonzero(opening):
        return None
    pixels = source[rows, columns].astype(np.float64)
    bright = pixels[pixels.sum(axis=1) >= np.median(pixels.sum(axis=1))]
    edge, arc = _biting_edge(mask, frame)
    mask = np.maximum(mask, _dim_teeth(opening, frame, edge, arc))
    return OwnTeeth(source, _faded_ends(mask, unit), np.median(bright, axis=0) / 255, edge, arc)


def _dim_teeth(opening: Image, frame: MouthFrame, edge: float, arc: float) -> Image:
    """What lies above the biting edge: the row's sides are as dark as what is behind them."""
    unit = frame.unit * OVERSAMPLING
    inside = cv2.erode(opening, _ellipse(*(round(DIM_MARGIN * unit),) * 2))
    rows, columns = np.nonzero(inside)
    x, y = frame.to_mouth((np.column_stack([columns, rows]) + 0.5) / OVERSAMPLING - 0.5).T
    below = y > edge + arc * x**2
    inside[rows[below], columns[below]] = 0
    return np.asarray(inside, np.uint8)


def _biting_edge(mask: Image, frame: MouthFrame) -> tuple[float, float]:
    """Height of the edge at the middle, and its curvature, both in mouth coordinates."""
    columns = np.flatnonzero(mask.any(axis=0))
    lowest = mask.shape[0] - 1 - mask[::-1, columns].argmax(axis=0)
    x, y = frame.to_mouth((np.column_stack([columns, lowest]) + 0.5) / OVERSAMPLING - 0.5).T
    arc, _, middle = np.polyfit(x, y, 2)
    central = y[np.abs(x) < EDGE_WIDTH]
    edge = float(np.quantile(central, EDGE_SHARE)) if central.size else float(middle)
    return edge, float(np.clip(arc, *ARC_LIMITS))


def _faded_ends(mask: Image, unit: float) -> Image:
    """The row's last teeth turn into drawn ones."""
    columns = np.flatnonzero(mask.any(axis=0))
    at = np.arange(mask.shape[1])
    inward = np.minimum(at - columns[0], columns[-1] - at) / (FADING_ENDS * unit)
    return np.rint(mask * np.clip(inward, 0, 1)[None]).astype(np.uint8)


def _upper_part(mask: Image, frame: MouthFrame, photo: Contours) -> Image:
    """Only what begins near the upper lip: lower teeth would ride on the jaw."""
    count, labels = cv2.connectedComponents(mask)
    kept = np.zeros_like(mask)
    for k in range(1, count):
        part = labels == k
        columns = np.flatnonzero(part.any(axis=0))
        tops = np.column_stack([columns, part[:, columns].argmax(axis=0)])
        x, y = frame.to_mouth((tops + 0.5) / OVERSAMPLING - 0.5).T
        upper, gap = (np.interp(x, photo.inner_upper[:, 0], v) for v in (photo.inner_upper[:, 1], photo.gap))
        if np.median((y - upper) / np.maximum(gap, 1e-3)) < UPPER_TEETH:
            kept[part] = 255
    return kept


def _ellipse(rx: int, ry: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(rx, 1) + 1, 2 * max(ry, 1) + 1))
