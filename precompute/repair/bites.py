"""Finds where a matte bit into the clothing: what is missing of the closed shape below the chin."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.matting.face_inside import face_mask
from precompute.mesh_points import CHIN

Alpha = NDArray[np.float32]
Mask = NDArray[np.bool_]

NOTCH = 0.22
"""Of the face's height: half the width of the widest opening that still counts as a notch."""
RIM = 0.02
"""Of the face's height: the outline's own softness, which is no damage."""
SOLID = 0.95
"""Clothing away from the outline has at least this alpha."""
LEAST = 0.0004
"""Of the body's area; smaller specks are noise."""
MOST = 0.25
"""Of the body's area; a larger opening is a gap between arm and body, or another person's back."""
FACE_MARGIN = 0.04
"""Of the face's height, around the face: no bite is looked for there."""


@dataclass(frozen=True, slots=True, eq=False)
class Bites:
    """What is missing of a body.

    Attributes:
        labels: (H, W) int32: 0 where nothing is missing, else the bite's number from 1.
        count: how many bites there are.
        body: (H, W): the closed shape below the chin, bites included.
    """

    labels: NDArray[np.int32]
    count: int
    body: Mask

    def share(self, alpha: Alpha) -> float:
        """How much of the body's area is missing in a matte, 0..1."""
        area = int(self.body.sum())
        return float((1 - alpha)[self.labels > 0].sum()) / area if area else 0.0


def find_bites(alpha: Alpha, landmarks: NDArray[np.float32]) -> Bites:
    """Compare a matte with the closed shape of the body.

    Holes, notches from the sides that have clothing above them, bites from the picture's lower edge, and
    clothing that is half transparent all count. The space beside the neck does not, nor does anything at the
    face.

    Args:
        alpha: (H, W), 0..1.
        landmarks: (468, 2 or 3) of the face in its pixels.
    """
    face_height = float(np.ptp(landmarks[:, 1]))
    below = np.arange(alpha.shape[0])[:, None] > landmarks[CHIN, 1]
    inside = (alpha > 0.5) & below
    closed = _closed(inside, below, NOTCH * face_height)
    body = closed & below
    rim = max(1.0, RIM * face_height)
    away = _distance(_with_floor(body), rim) > rim
    missing = (body & ~inside) | (body & away & (alpha < SOLID))
    missing &= face_mask(landmarks, alpha.shape[:2], FACE_MARGIN) == 0

    area = int(body.sum())
    _, found, stats, _ = cv2.connectedComponentsWithStats(missing.astype(np.uint8), connectivity=8)
    labels = np.zeros(alpha.shape, np.int32)
    count = 0
    for number in range(1, len(stats)):
        if LEAST * area <= stats[number, cv2.CC_STAT_AREA] <= MOST * area:
            count += 1
            labels[found == number] = count
    return Bites(labels, count, body & ~_unwanted(found, labels))


def _unwanted(found: NDArray[np.int32] | cv2.typing.MatLike, labels: NDArray[np.int32]) -> Mask:
    """What was looked at and is no bite."""
    return (np.asarray(found) > 0) & (labels == 0)


def _closed(inside: Mask, below: Mask, reach: float) -> Mask:
    """The shape with its holes filled and its notches closed."""
    edge = int(np.ceil(reach)) + 2
    floored = np.pad(_with_floor(inside), ((0, edge), (edge, edge)), mode="edge")
    grown = cv2.distanceTransform((~floored).astype(np.uint8), cv2.DIST_L2, 5) <= reach
    shut = cv2.distanceTransform(grown.astype(np.uint8), cv2.DIST_L2, 5) > reach
    shut = shut[: inside.shape[0], edge : edge + inside.shape[1]]
    # Beside the neck nothing of the body lies above; in a notch of the clothing something does.
    covered = np.maximum.accumulate(inside, axis=0)
    notched = inside | (shut & covered)
    outside = np.pad(_with_floor(notched), ((1, 0), (1, 1)))
    height, width = outside.shape
    reached = np.zeros((height + 2, width + 2), np.uint8)
    cv2.floodFill(outside.astype(np.uint8), reached, (0, 0), 2, flags=4 | cv2.FLOODFILL_MASK_ONLY | (1 << 8))
    filled = reached[2 : inside.shape[0] + 2, 2:-2] == 0
    return notched | (filled & below)


def _with_floor(shape: Mask) -> Mask:
    """One more row below: the body goes on there, from its left edge to its right."""
    columns = np.flatnonzero(shape[-1])
    floor = np.zeros((1, shape.shape[1]), bool)
    if len(columns):
        floor[0, columns[0] : columns[-1] + 1] = True
    return np.vstack([shape, floor])


def _distance(floored: Mask, reach: float) -> NDArray[np.float32]:
    """How far pixels are from the shape's outline; the picture's sides and lower edge are none."""
    edge = int(reach) + 2
    padded = np.pad(floored.astype(np.uint8), ((0, edge), (edge, edge)), mode="edge")
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    return np.asarray(distance[: len(floored) - 1, edge:-edge], np.float32)
