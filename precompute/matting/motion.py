"""Where a person's pixels of one frame are in another: optical flow that stops at the person's outline."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Field = NDArray[np.float32]
"""(h, w, 2): how far to go, in pixels, to the right and down."""

SIDE = 256
"""Flow is looked for in pictures of this size; it is exact to a fraction of a pixel."""
INNER = 0.95
"""Alpha above which a pixel's flow is the person's own."""
INSET = 7
"""Pixels of ``SIDE`` next to the outline, where flow is the background's, too; a kernel's width."""
NEAR, FAR = 3.0, 24.0
"""Standard deviations in pixels of ``SIDE``, with which the person's flow goes on beyond the outline."""
TRUST = 1e-3
"""How little the wide window counts where the narrow one sees anything."""
LOCAL = 1.5
"""Standard deviation in pixels of ``SIDE`` over which differences of colour are taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """A frame as flow sees it.

    Attributes:
        grey: (SIDE, SIDE).
        colours: (SIDE, SIDE, 3).
    """

    grey: Image
    colours: Image

    @classmethod
    def of(cls, picture: Image) -> Glance:
        """Of a (S, S, 3) BGR picture."""
        small = np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        return cls(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8), small)


class Flow:
    """Dense inverse search (Kroeger et al., 2016). Not for two threads at once."""

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def between(self, here: Glance, there: Glance) -> Field:
        """For each pixel of one frame, how far away it is in the other."""
        nothing = np.zeros((*here.grey.shape, 2), np.float32)
        return np.asarray(self._search.calc(here.grey, there.grey, nothing), np.float32)

    def person_between(self, here: Glance, there: Glance, matte: Alpha) -> Field:
        """The same for the person alone: beyond the outline it goes on as it is inside.

        Hair and the outline's soft rim move with the person, while flow takes them for the background's.

        Args:
            here: a frame.
            there: another.
            matte: (SIDE, SIDE) of the other one.
        """
        field = self.between(here, there)
        inner = (bring(matte, field) > INNER).astype(np.uint8)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (INSET, INSET))
        sure = cv2.erode(inner, kernel, borderType=cv2.BORDER_REPLICATE).astype(np.float32)
        total, weight = np.zeros_like(field), np.zeros(field.shape[:2], np.float32)
        for sigma, trust in ((NEAR, 1.0), (FAR, TRUST)):
            total += trust * _blurred(field * sure[..., None], sigma)
            weight += trust * _blurred(sure, sigma)
        seen = weight > 1e-6
        spread = np.where(seen[..., None], total / np.maximum(weight, 1e-6)[..., None], field)
        return np.where(sure[..., None] > 0, field, spread).astype(np.float32)

    def difference(self, here: Glance, there: Glance, field: Field) -> Alpha:
        """Levels by which colours differ that a field brings together, (SIDE, SIDE)."""
        brought = np.asarray(bring(there.colours, field), np.uint8)
        return _blurred(cv2.absdiff(here.colours, brought).astype(np.float32).mean(axis=2), LOCAL)


def bring(there: NDArray, field: Field) -> NDArray:
    """What is (S, S, ...) there, brought here by a field of the same size."""
    side = np.arange(len(there), dtype=np.float32)
    x, y = field[..., 0] + side, field[..., 1] + side[:, None]
    return cv2.remap(there, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def enlarge(field: Field, side: int) -> Field:
    """A field for a picture of another size."""
    return cv2.resize(field, (side, side), interpolation=cv2.INTER_LINEAR) * np.float32(side / SIDE)


def _blurred(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    if sigma <= 4:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)
    small = cv2.resize(values, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return np.asarray(cv2.resize(wide, (values.shape[1], values.shape[0])), np.float32)
