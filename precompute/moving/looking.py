"""What each frame of a loop shows of the mouth, and which frame the atlas is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.errors import AvatarRejected
from precompute.landmarks import FaceFinder, FaceMesh, Image
from precompute.mesh_points import EYE_OUTER_LEFT, EYE_OUTER_RIGHT, MOUTH_LEFT, MOUTH_RIGHT
from precompute.portrait import MAX_PITCH, MAX_YAW, head_angles

MIN_EYE_SPAN = 36.0
"""Least distance between the outer eye corners in pixels of the loop; a mouth is 20 pixels wide then."""
SHUT_SHARE = 10.0
"""Per cent of the frames whose mouths are as shut as those of the loop ever are."""
GAP_COST = 25.0
"""Of an open mouth, per eye span between the lips."""
TURN_COST, AWAY_COST = 1 / 10, 1 / 15
"""Of a head that is turned, and of one that is turned elsewhere than usual; per degree."""
BLUR_COST = 1.0
"""Of a mouth with a third of the usual detail."""


@dataclass(frozen=True, slots=True, eq=False)
class MouthSights:
    """What was seen in N frames.

    Attributes:
        gaps: (N,) between the inner lips, over the eye span.
        yaws: (N,) degrees.
        pitches: (N,) degrees.
        details: (N,) mean square of the Laplacian around the mouth.
        spans: (N,) distance between the outer eye corners in pixels.
    """

    gaps: NDArray[np.float64]
    yaws: NDArray[np.float64]
    pitches: NDArray[np.float64]
    details: NDArray[np.float64]
    spans: NDArray[np.float64]


def look_at_mouths(
    frames: Iterable[Image], landmarks: NDArray[np.floating], finder: FaceFinder, each: Callable[[int], None]
) -> MouthSights:
    """Look at the mouth in each frame of a loop; about 5 ms for each.

    Args:
        frames: (H, W, 3) BGR.
        landmarks: (N, 468, 2) where the face is in them, in pixels; smoothed, which lips must not be here.
        finder: the face networks.
        each: told the number of frames done.
    """
    rows: list[tuple[float, ...]] = []
    for index, (frame, points) in enumerate(zip(frames, landmarks, strict=True)):
        known = FaceMesh(np.column_stack([points, np.zeros(len(points))]).astype(np.float32), 1.0)
        mesh = finder.mesh_once(frame, known)
        yaw, pitch, _ = head_angles(mesh)
        rows.append((mesh.mouth_opening, yaw, pitch, _detail(frame, points), _span(points)))
        each(index + 1)
    return MouthSights(*np.array(rows, np.float64).reshape(-1, 5).T.copy())


def choose_reference(sights: MouthSights) -> int:
    """The frame to make the atlas from: mouth shut, looking ahead, sharp.

    Raises:
        AvatarRejected: ``no_still_mouth``: none will do.
    """
    if float(np.median(sights.spans)) < MIN_EYE_SPAN:
        raise AvatarRejected(
            "no_still_mouth",
            f"The face is too small in the loop to draw mouths into: the eyes span "
            f"{np.median(sights.spans):.0f} pixels and must span {MIN_EYE_SPAN:.0f}.",
        )
    ahead = (np.abs(sights.yaws) <= MAX_YAW) & (np.abs(sights.pitches) <= MAX_PITCH)
    if not ahead.any():
        raise AvatarRejected(
            "no_still_mouth",
            "In no frame of the loop does the person look ahead, as one must to draw other mouths from.",
        )
    shut = float(np.percentile(sights.gaps, SHUT_SHARE))
    turned = np.hypot(sights.yaws, sights.pitches)
    away = np.hypot(sights.yaws - np.median(sights.yaws), sights.pitches - np.median(sights.pitches))
    blur = np.log(np.median(sights.details) / np.maximum(sights.details, 1e-6)) / np.log(3)
    cost = GAP_COST * np.maximum(sights.gaps - shut, 0) + TURN_COST * turned + AWAY_COST * away
    cost += BLUR_COST * np.maximum(blur, -0.5)
    return int(np.where(ahead, cost, np.inf).argmin())


def _span(points: NDArray[np.floating]) -> float:
    return float(np.linalg.norm(points[EYE_OUTER_LEFT] - points[EYE_OUTER_RIGHT]))


def _detail(frame: Image, points: NDArray[np.floating]) -> float:
    middle, reach = (points[MOUTH_LEFT] + points[MOUTH_RIGHT]) / 2, 0.4 * _span(points)
    x0, y0 = np.clip(middle - reach, 0, None).astype(int)
    x1, y1 = np.maximum(np.ceil(middle + reach).astype(int), (x0 + 3, y0 + 3))
    grey = cv2.cvtColor(frame[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY) if frame[y0:y1, x0:x1].size else None
    return 0.0 if grey is None else float(np.square(cv2.Laplacian(grey, cv2.CV_32F)).mean())
