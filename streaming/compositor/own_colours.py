"""A cut-out person's own colours a little beyond the matte, so that no rim of another colour is seen."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.atlas import MouthAtlas
from streaming.compositor.planes import Plane

BEYOND = 12
"""Pixels by which colours go on beyond the matte."""
SEEN = 16
"""From here on a pixel's colour is the person's own; below, sharpening and rounding have mixed in others."""


def with_own_colours(atlas: MouthAtlas, matte: Plane) -> MouthAtlas:
    """The atlas of a person who goes on beyond the matte for some pixels.

    Resampling and chroma mix neighbours: without this a rim of what was behind would show.

    Args:
        atlas: of a photo; of any colour where the matte is 0.
        matte: (height, width).
    """
    still = _spread(atlas.still, matte)

    def covered(pictures: Plane, rect: tuple[int, int, int, int]) -> Plane:
        x, y, width, height = rect
        part = np.s_[y : y + height, x : x + width]
        outside = matte[part] < SEEN
        return np.where(outside[..., None], still[part], pictures) if outside.any() else pictures

    mouth, eyes = (_rect(rect) for rect in (atlas.mouth_rect, atlas.eye_rect))
    return dataclasses.replace(
        atlas,
        still=still,
        mouths=covered(atlas.mouths, mouth),
        press=covered(atlas.press, mouth),
        bite=covered(atlas.bite, mouth),
        tongue=covered(atlas.tongue, mouth),
        eyes=covered(atlas.eyes, eyes),
    )


def _spread(picture: Plane, matte: Plane) -> Plane:
    """A (h, w, 3) picture whose pixels just outside the matte have the colour of the nearest one inside."""
    inside = matte >= SEEN
    near = cv2.dilate(matte, np.ones((2 * BEYOND + 1, 2 * BEYOND + 1), np.uint8)) >= SEEN
    wanted = near & ~inside
    if not wanted.any():
        return picture
    outside = np.where(inside, np.uint8(0), np.uint8(255))
    # Each pixel is labelled with the nearest one inside.
    labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    labels = np.asarray(labels, np.int32)
    nearest = np.zeros(int(labels.max()) + 1, np.int64)
    nearest[labels[inside]] = np.flatnonzero(inside)
    spread = picture.copy()
    spread[wanted] = picture.reshape(-1, 3)[nearest[labels[wanted]]]
    return spread


def _rect(rect: NDArray[np.int32]) -> tuple[int, int, int, int]:
    x, y, width, height = (int(n) for n in rect)
    return x, y, width, height
