"""Reads the mouth of a portrait: open or closed, teeth or none, and where the lips meet."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.curves import smoothstep
from precompute.mesh_points import LIP_LOWER_INNER, LIP_UPPER_INNER
from precompute.mouth.geometry import KNOTS, Contours, Floats, Mouth, MouthFrame, contours_of, lip_middle
from precompute.mouth.own_teeth import find_own_teeth
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
UPPER_SEARCH, LOWER_SEARCH = (-0.15, 0.40), (0.45, 1.12)
"""Where in the mesh's gap the edges of an open mouth are looked for."""
RIM_SEARCH, RIM_CENTRING = (0.35, 1.15), 1.5
"""Likewise for the lower lip's rim, in its thickness as the mesh has it."""
EDGE_STEP = 0.012
"""Colours this far above and below an edge are compared."""
LIP_RED, LIP_LIGHT, NO_LIP = 0.7, 0.4, 4.0
"""What is less red or darker than these shares of the lip is none; an edge without lip costs much."""
EDGE_CENTRING, EDGE_AT_CORNERS = 1.6, 12.0


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
        photo = _fit_opening(portrait, frame, photo)
        own = find_own_teeth(portrait.source, frame, photo) if teeth else None
        rest, chin_rise = relax(photo, teeth, own.edge if own else None)
        return Mouth(frame, points, photo, rest, False, teeth, chin_rise, own)
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


def _fit_opening(portrait: Portrait, frame: MouthFrame, photo: Contours) -> Contours:
    """Lip edges where the picture has them: the mesh takes part of the lips of a broad smile for opening.

    Each edge is the path along which colour changes most from lip to something else.
    """
    lab = cv2.cvtColor(cv2.GaussianBlur(portrait.source, (0, 0), 1.0), cv2.COLOR_BGR2LAB).astype(np.float32)
    lip = np.median(_look_up(lab, frame, *lip_middle(photo).T[:, None]), axis=(0, 1))
    share = np.linspace(-1, 1, SEAM_STEPS)
    x = np.interp(share, KNOTS, (photo.inner_upper[:, 0] + photo.inner_lower[:, 0]) / 2)
    top = np.interp(share, KNOTS, photo.inner_upper[:, 1])
    gap = np.interp(share, KNOTS, photo.gap)
    fitted = []
    for expected, low, high in ((0.0, *UPPER_SEARCH), (1.0, *LOWER_SEARCH)):
        parts = np.linspace(low, high, SEAM_ROWS)
        y = top[:, None] + gap[:, None] * parts[None]
        above, below = _around(lab, frame, x, y)
        change = np.linalg.norm(above - below, axis=-1).astype(np.float64)
        cost = -change / (change.std() + 1e-3)
        cost += NO_LIP * ~_like_lip(above if expected == 0 else below, lip)
        path = _edge_path(cost, (parts - expected) * EDGE_CENTRING, parts - expected)
        fitted.append(np.interp(KNOTS, share, _smooth(parts[path])))
    upper, lower = photo.inner_upper.copy(), photo.inner_lower.copy()
    upper[:, 1], lower[:, 1] = (photo.inner_upper[:, 1] + photo.gap * part for part in fitted)
    return replace(
        photo,
        inner_upper=upper,
        inner_lower=lower,
        outer_upper=_fit_rim(lab, frame, upper, photo.outer_upper, lower=False),
        outer_lower=_fit_rim(lab, frame, lower, photo.outer_lower, lower=True),
    )


def _fit_rim(
    lab: NDArray[np.float32], frame: MouthFrame, inner: Floats, outer: Floats, lower: bool
) -> Floats:
    """Where the red of an open mouth's lip ends, (n, 2) at ``KNOTS``."""
    share = np.linspace(-1, 1, SEAM_STEPS)
    x = np.interp(share, KNOTS, outer[:, 0])
    base = np.interp(x, inner[:, 0], inner[:, 1])
    parts = np.linspace(*RIM_SEARCH, SEAM_ROWS)
    y = base[:, None] + (np.interp(share, KNOTS, outer[:, 1]) - base)[:, None] * parts[None]
    above, below = _around(lab, frame, x, y)
    # The lower lip's own shadow is a stronger edge than its rim; red is not fooled by it.
    change = above[..., 1] - below[..., 1] if lower else np.linalg.norm(above - below, axis=-1)
    cost = -change.astype(np.float64) / (float(change.std()) + 1e-3)
    path = _edge_path(cost, (parts - 1) * RIM_CENTRING, parts - 1)
    rim = outer.copy()
    base = np.interp(outer[:, 0], inner[:, 0], inner[:, 1])
    rim[:, 1] = base + (outer[:, 1] - base) * np.interp(KNOTS, share, _smooth(parts[path]))
    return rim


def _around(
    lab: NDArray[np.float32], frame: MouthFrame, x: Floats, y: Floats
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours just above and just below places in columns ``x`` (n,) at heights ``y`` (n, rows)."""
    columns = np.broadcast_to(x[:, None], y.shape)
    return _look_up(lab, frame, columns, y - EDGE_STEP), _look_up(lab, frame, columns, y + EDGE_STEP)


def _edge_path(cost: Floats, centring: Floats, away: Floats) -> np.ndarray:
    """The cheapest path along the lips; near the corners, where little is seen, the mesh decides."""
    corner = smoothstep(0.6, 0.9, np.abs(np.linspace(-1, 1, len(cost))))
    cost = cost + centring[None] ** 2 + (np.abs(away) * EDGE_AT_CORNERS)[None] * corner[:, None]
    return _cheapest_path(cost)


def _smooth(path: Floats) -> Floats:
    kernel = np.exp(-(np.arange(-9, 10) ** 2) / (2 * SEAM_SMOOTHING**2))
    smooth = np.convolve(np.pad(path, 9, mode="edge"), kernel / kernel.sum(), "valid")
    return smooth.astype(np.float64)


def _like_lip(lab: NDArray[np.float32], lip: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Neither tooth nor cavity."""
    red = lab[..., 1] - 128 > LIP_RED * (lip[1] - 128)
    return red & (lab[..., 0] > LIP_LIGHT * lip[0])


def _look_up(picture: NDArray[np.float32], frame: MouthFrame, x: Floats, y: Floats) -> NDArray[np.float32]:
    """The source at mouth coordinates."""
    at = source_pixels(frame.to_pixels(np.stack([x, y], axis=-1))).astype(np.float32)
    return np.asarray(cv2.remap(picture, at[..., 0], at[..., 1], cv2.INTER_LINEAR), np.float32)


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
    return np.interp(KNOTS, share, _smooth(y)).astype(np.float64)


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
