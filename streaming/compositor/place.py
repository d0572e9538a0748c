"""Where a drawn patch goes in a frame: the tight region that mask and box leave, and how much shows there.

Coordinates are continuous: pixel ``i`` covers ``i .. i + 1``, so that its centre lies at ``i + 0.5``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.musetalk import CROP, MASK_SIDE
from streaming.compositor.planes import Plane

Box = tuple[float, float, float, float]
Rect = tuple[int, int, int, int]


class Bounds(NamedTuple):
    """The rows and columns of a mask that are not 0: from the first to before ``stop``."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where the patch of one frame goes. Arrays are read-only.

    Attributes:
        rect: x, y, width, height in pixels of the frame, all even.
        luma: (2, 3) from a luma pixel of ``rect`` to the patch's.
        chroma: (2, 3) the same for chroma.
        alpha: (width * height * 5 / 4,) how much of the patch shows, 255 for all of it: for luma, then for
            either plane of chroma.
    """

    rect: Rect
    luma: NDArray[np.float64]
    chroma: NDArray[np.float64]
    alpha: Plane


def bounds_of(masks: NDArray[np.uint8]) -> list[Bounds | None]:
    """What each of (N, MASK_SIDE, MASK_SIDE) masks leaves; ``None`` for one that hides everything."""
    found: list[Bounds | None] = []
    down, across = np.asarray(masks.any(axis=2), bool), np.asarray(masks.any(axis=1), bool)
    for rows, columns in zip(down, across, strict=True):
        ys, xs = np.flatnonzero(rows), np.flatnonzero(columns)
        found.append(Bounds(int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1) if len(ys) else None)
    return found


def place_patch(
    box: Box, mask: Plane, bounds: Bounds | None, patch: Rect, frame: tuple[int, int]
) -> Place | None:
    """Where a patch goes.

    Args:
        box: left, top, right, bottom of the face crop in the frame; it may leave the frame.
        mask: (MASK_SIDE, MASK_SIDE) over the face crop; 0 beyond it.
        bounds: of the mask.
        patch: x, y, width, height of the patch in the scaled face crop.
        frame: width and height.

    Returns:
        The place, or ``None`` when nothing of the patch shows.
    """
    left, top, right, bottom = box
    if bounds is None or not (right > left and bottom > top):
        return None
    x0, x1 = _span(left, right, bounds.left, bounds.right, frame[0])
    y0, y1 = _span(top, bottom, bounds.top, bounds.bottom, frame[1])
    if x1 <= x0 or y1 <= y0:
        return None
    width, height = x1 - x0, y1 - y0
    across, along = CROP / (right - left), CROP / (bottom - top)
    # Of the region's corner, in pixels of the scaled face crop and of the patch.
    u, v = (x0 - left) * across, (y0 - top) * along
    pu, pv = u - patch[0], v - patch[1]
    mask_step = MASK_SIDE / CROP
    alpha = np.empty(width * height * 5 // 4, np.uint8)
    shown = alpha[: width * height].reshape(height, width)
    warp(mask, _affine(across * mask_step, along * mask_step, u * mask_step, v * mask_step), shown, hard=True)
    _halve(shown, alpha)
    alpha.flags.writeable = False
    # A chroma pixel is twice as large on both sides, so the scale stays.
    chroma = _affine(across, along, pu / 2, pv / 2)
    return Place((x0, y0, width, height), _affine(across, along, pu, pv), chroma, alpha)


def below(place: Place | None, rect: Rect, feather: int) -> Place | None:
    """The place without what lies beside or above the lower end of ``rect``, where the two meet.

    Args:
        place: where a patch goes.
        rect: x, y, width, height, even, of a picture that goes on top.
        feather: rows over which the patch then comes in, for its new border must not be seen.
    """
    if place is None:
        return None
    x, y, w, h = place.rect
    rx, ry, rw, rh = rect
    cut = ry + rh - y
    if rx + rw <= x or x + w <= rx or ry >= y + h or cut <= 0:
        return place
    if cut >= h:
        return None
    shown = place.alpha[: w * h].reshape(h, w)[cut:].astype(np.float32)
    rows = len(shown)
    shown *= np.minimum(1.0, (np.arange(rows) + 0.5) / max(1, feather))[:, None]
    alpha = np.empty(w * rows * 5 // 4, np.uint8)
    alpha[: w * rows] = np.rint(shown).astype(np.uint8).reshape(-1)
    _halve(alpha[: w * rows].reshape(rows, w), alpha)
    alpha.flags.writeable = False
    luma, chroma = place.luma.copy(), place.chroma.copy()
    luma[1, 2] += luma[1, 1] * cut
    chroma[1, 2] += chroma[1, 1] * cut / 2
    return Place((x, y + cut, w, rows), luma, chroma, alpha)


def warp(source: Plane, matrix: NDArray[np.float64], target: Plane, *, hard: bool = False) -> None:
    """Resample ``source`` so that it fills ``target``; the matrix leads from a target pixel to the source.

    Beyond its border the source goes on as it ends, or is 0 when the border is ``hard``.
    """
    size = target.shape[1], target.shape[0]
    border = cv2.BORDER_CONSTANT if hard else cv2.BORDER_REPLICATE
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cv2.warpAffine(source, matrix, size, dst=target, flags=flags, borderMode=border)


def _halve(shown: Plane, alpha: Plane) -> None:
    """Fill in the alpha of chroma: the mean of the four luma pixels that share it."""
    height, width = shown.shape
    half = alpha[width * height :].reshape(height // 2, width // 2)
    cv2.resize(shown, (width // 2, height // 2), dst=half, interpolation=cv2.INTER_AREA)


def _span(low: float, high: float, first: int, stop: int, size: int) -> tuple[int, int]:
    """The even pixels of the frame, along one side, that a mask from ``first`` to before ``stop`` reaches."""
    # Between two mask pixels it is interpolated: up to the middle of the first one that is 0 something shows.
    step = (high - low) / MASK_SIDE
    begin = math.floor(low + (first - 0.5) * step - 0.5) + 1
    end = math.ceil(low + (stop + 0.5) * step - 0.5)
    return max(0, begin // 2 * 2), min(size, -(-end // 2) * 2)


def _affine(across: float, along: float, x: float, y: float) -> NDArray[np.float64]:
    """From pixel to pixel, where the corner of the first picture lies at x, y of the other."""
    matrix = np.array([[across, 0, x + across / 2 - 0.5], [0, along, y + along / 2 - 0.5]])
    matrix.flags.writeable = False
    return matrix
