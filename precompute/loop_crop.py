"""Cuts a square portrait out of a loop: the same place in all frames, so that only the person moves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.errors import AvatarRejected
from precompute.landmarks import Image
from precompute.mesh_points import EYE_OUTER_LEFT, EYE_OUTER_RIGHT
from precompute.portrait import (
    BRIGHT,
    CROP_HEIGHTS,
    DARK,
    FACE_LEVEL,
    MIN_EYE_SPAN,
    SOFT_EYE_SPAN,
    TIGHTEST_CROP,
)

VISIBLE_TURN = 0.15
"""Widths of the face per second at which it is seen that a head turns back at once."""


@dataclass(frozen=True, slots=True)
class LoopCrop:
    """A square of the video's frames, and the size that it is scaled to.

    Attributes:
        left: in pixels of the video's frames, as they come.
        top: likewise.
        side: likewise.
        size: of the portrait in pixels.
    """

    left: int
    top: int
    side: int
    size: int

    def cut(self, frame: Image) -> Image:
        """(size, size, 3) of a frame (H, W, 3)."""
        part = frame[self.top : self.top + self.side, self.left : self.left + self.side]
        method = cv2.INTER_AREA if self.side > self.size else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(part, (self.size, self.size), interpolation=method), np.uint8)

    def place(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Points (..., 2) of a frame in pixels of the portrait."""
        moved = (np.asarray(points, np.float64) - (self.left, self.top) + 0.5) * (self.size / self.side) - 0.5
        return moved.astype(np.float32)


def find_crop(meshes: NDArray[np.float32], width: int, height: int, size: int) -> LoopCrop:
    """The square that shows head and shoulders as portraits do, wherever the face goes.

    Args:
        meshes: (N, 468, 2) landmarks of the loop's frames in pixels.
        width: of the frames in pixels.
        height: likewise.
        size: of the portrait in pixels.

    Raises:
        AvatarRejected: ``face_too_small``, or ``face_cut_off`` where no square holds the face all the time.
    """
    span = float(np.median(eye_spans(meshes)))
    if span < MIN_EYE_SPAN:
        raise AvatarRejected(
            "face_too_small",
            f"The face is too small: the eyes span {span:.0f} pixels and must span at least "
            f"{MIN_EYE_SPAN:.0f}. Send a video that was taken closer, or in a higher resolution.",
        )
    lows, highs = meshes.min(axis=1), meshes.max(axis=1)
    low, high = lows.min(axis=0), highs.max(axis=0)
    wandering = (high - low) - np.median(highs - lows, axis=0)
    face = float(np.median(highs[:, 1] - lows[:, 1]))
    side = min(round(CROP_HEIGHTS * face + float(wandering.max())), width, height)
    if side < TIGHTEST_CROP * float((high - low).max()):
        raise AvatarRejected(
            "face_cut_off",
            "The face fills the whole picture, or moves through all of it. Send a video from further away, "
            "in which the person keeps still.",
        )
    middle = (low + high) / 2
    left = round(float(np.clip(middle[0] - side / 2, 0, width - side)))
    top = round(float(np.clip(middle[1] - side * FACE_LEVEL, 0, height - side)))
    return LoopCrop(left, top, side, size)


def eye_spans(meshes: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) distances between the outer corners of the eyes in pixels."""
    return np.linalg.norm(meshes[:, EYE_OUTER_LEFT] - meshes[:, EYE_OUTER_RIGHT], axis=1)


def advice_on(meshes: NDArray[np.float32], brightness: float, speeds: tuple[float, float]) -> tuple[str, ...]:
    """Sentences for the person who sent the video; none when all is well.

    Args:
        meshes: (N, 468, 2) landmarks of the loop's frames in pixels of the video.
        brightness: mean grey of the face, 0..255.
        speeds: of the head where the loop turns round, in widths of the face per second.
    """
    advice: list[str] = []
    if float(np.median(eye_spans(meshes))) < SOFT_EYE_SPAN:
        advice.append("The face is small in the video, so the avatar looks soft; a closer one is sharper.")
    if brightness < DARK:
        advice.append("The face is dark; a video in even light looks better.")
    if brightness > BRIGHT:
        advice.append("The face is overexposed; a video in softer light looks better.")
    if max(speeds) > VISIBLE_TURN:
        advice.append(
            "The head moves where the loop turns round, which can be seen; in a longer video, or one with "
            "quiet moments, there are better places."
        )
    return tuple(advice)
