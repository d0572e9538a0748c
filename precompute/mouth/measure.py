"""Reads the mouth of a portrait: open or closed, teeth or none, and where the lips meet."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from precompute.mesh_points import LIP_LOWER_INNER, LIP_UPPER_INNER
from precompute.mouth.geometry import KNOTS, Contours, Floats, Mouth, MouthFrame, contours_of, lip_middle
from precompute.mouth.raster import fill_places, sample_median, source_pixels
from precompute.mouth.smile import relax
from precompute.portrait import Portrait

CLOSED_GAP = 0.075
"""A gap between the inner lips below this may still be a closed mouth: the mesh leaves about .04 there."""
SHUT_GAP = 0.048
"""Below this a mouth without teeth is closed, however dark its seam."""
DARK_SHARE, DARK_LIGHT = 0.35, 0.6
"""Above ``SHUT_GAP``: open if this share of the gap is darker than this much of the lip."""
TOOTH_SHARE = 0.12
TOOTH_LIGHT, TOOTH_RED = 1.18, 0.6
"""Tooth-like: lightness above this much of the lip's, redness (a* of CIELAB) below this much of it."""

SEAM_STEPS, SEAM_ROWS = 121, 61
SEAM_REACH = 0.045
"""How far from the middle line the lip seam is looked for."""
SEAM_CENTRING = 0.8
SEAM_STIFFNESS = 0.25
SEAM_SMOOTHING = 3.0


def measure_mouth(portrait: Portrait) -> Mouth:
    """The mouth of a portrait, with lip edges for the photo and for rest."""
    frame = MouthFrame.of(portrait.landmarks)
    points = frame.to_mouth(portrait.landmarks[:, :2])
    photo = contours_of(points)
    gap = float(points[LIP_LOWER_INNER, 1] - points[LIP_UPPER_INNER, 1])
    tooth_share, dark_share = _gap_shares(portrait, frame, photo)
    teeth = tooth_share >= TOOTH_SHARE
    parted = gap >= CLOSED_GAP or (gap >= SHUT_GAP and dark_share >= DARK_SHARE)
    closed = not teeth and not parted
    if not closed:
        rest, chin_rise = relax(photo, teeth)
        return Mouth(frame, points, photo, rest, False, teeth, chin_rise)
    seam = _trace_seam(portrait, frame, photo)
    upper, lower = photo.inner_upper.copy(), photo.inner_lower.copy()
    upper[:, 1] = seam
    lower[:, 1] = seam
    photo = replace(photo, inner_upper=upper, inner_lower=lower)
    return Mouth(frame, points, photo, photo, True, False)


def _gap_shares(portrait: Portrait, frame: MouthFrame, photo: Contours) -> tuple[float, float]:
    """Shares of tooth-like and of dark pixels between the inner lips."""
    middle = (photo.inner_upper + photo.inner_lower) / 2
    inside = np.vstack(
        [middle + (photo.inner_upper - middle) * 0.75, (middle + (photo.inner_lower - middle) * 0.75)[::-1]]
    )
    mask = fill_places(portrait.source.shape[:2], frame, inside)
    x, y, w, h = cv2.boundingRect(mask)
    if w == 0 or h == 0:
        return 0.0, 0.0
    lip = sample_median(portrait.frame, frame.to_pixels(lip_middle(photo))).astype(np.uint8)
    lip_lab = cv2.cvtColor(lip[None, None], cv2.COLOR_BGR2LAB)[0, 0].astype(float)
    lab = cv2.cvtColor(portrait.source[y : y + h, x : x + w], cv2.COLOR_BGR2LAB).astype(float)
    pixels = lab[mask[y : y + h, x : x + w] > 0]
    light = pixels[:, 0] > lip_lab[0] * TOOTH_LIGHT
    pale = pixels[:, 1] - 128 < TOOTH_RED * (lip_lab[1] - 128)
    dark = pixels[:, 0] < lip_lab[0] * DARK_LIGHT
    return float((light & pale).mean()), float(dark.mean())


def _trace_seam(portrait: Portrait, frame: MouthFrame, photo: Contours) -> Floats:
    """Where closed lips meet: the darkest smooth path from corner to corner, y at ``KNOTS``."""
    share = np.linspace(-1, 1, SEAM_STEPS)
    x = np.interp(share, KNOTS, (photo.inner_upper[:, 0] + photo.inner_lower[:, 0]) / 2)
    middle = np.interp(share, KNOTS, (photo.inner_upper[:, 1] + photo.inner_lower[:, 1]) / 2)
    offset = np.linspace(-SEAM_REACH, SEAM_REACH, SEAM_ROWS)
    places = np.stack(
        [np.broadcast_to(x[:, None], (SEAM_STEPS, SEAM_ROWS)), middle[:, None] + offset[None]], axis=-1
    )
    at = source_pixels(frame.to_pixels(places)).astype(np.float32)
    grey = cv2.GaussianBlur(cv2.cvtColor(portrait.source, cv2.COLOR_BGR2GRAY), (0, 0), 1.2)
    cost = cv2.remap(grey.astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_LINEAR).astype(np.float64)
    cost = (cost - cost.mean(axis=1, keepdims=True)) / (cost.std() + 1e-3)
    cost += (offset / SEAM_REACH)[None] ** 2 * SEAM_CENTRING
    cost[np.abs(share) > 0.9] *= 0.3  # shadows at the corners mislead
    y = middle + offset[_cheapest_path(cost)]
    kernel = np.exp(-(np.arange(-9, 10) ** 2) / (2 * SEAM_SMOOTHING**2))
    smooth = np.convolve(np.pad(y, 9, mode="edge"), kernel / kernel.sum(), "valid")
    return np.interp(KNOTS, share, smooth).astype(np.float64)


def _cheapest_path(cost: Floats) -> np.ndarray:
    """Column of each row on the cheapest path that moves at most two columns per row."""
    rows, columns = cost.shape
    total, came = cost.copy(), np.zeros(cost.shape, int)
    for i in range(1, rows):
        padded = np.pad(total[i - 1], 2, constant_values=np.inf)
        choices = np.stack(
            [padded[2 + k : 2 + k + columns] + SEAM_STIFFNESS * k * k for k in (-2, -1, 0, 1, 2)]
        )
        best = choices.argmin(axis=0)
        total[i] += choices.min(axis=0)
        came[i] = np.arange(columns) + best - 2
    path = np.zeros(rows, int)
    path[-1] = total[-1].argmin()
    for i in range(rows - 1, 0, -1):
        path[i - 1] = came[i, path[i]]
    return path
