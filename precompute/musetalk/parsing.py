"""Which pixels around a face are skin, lips, nose and neck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.mesh_points import (
    CHIN,
    FOREHEAD,
    INNER_LOWER,
    INNER_UPPER,
    JAW_LEFT,
    JAW_RIGHT,
    NOSE_BASE,
    OUTER_LOWER,
    OUTER_UPPER,
    OVAL,
)

Image = NDArray[np.uint8]
Region = NDArray[np.bool_]

PARSE_SIDE = 512
"""The square around a face is parsed at this many pixels, whatever its size in the frame."""
SUBPIXEL_BITS = 4
"""Corners of polygons lie on sixteenths of a pixel."""
NECK_DEPTH = 0.35
"""How far the mesh's neck reaches below the jaw, in heights of the face."""
NECK_WIDTH = 6
"""It is as wide as these points of the jaw on either side of the chin are apart."""

_NOSE = (168, 193, 245, 188, 174, 217, 126, 209, 129, 98, 97, NOSE_BASE, 326, 327, 358, 429, 355, 437, 399)
_NOSE += (412, 465, 417)
"""Its outline, from the root along both sides to the wings and the base."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """What is where in the square around a face; (PARSE_SIDE, PARSE_SIDE) each.

    Attributes:
        skin: the face without eyes, brows, lips and nose, or with them: a parser may not tell them apart.
        mouth: lips, and what is between them.
        nose: the nose.
        neck: the neck.
    """

    skin: Region
    mouth: Region
    nose: Region
    neck: Region


class FaceParser(Protocol):
    """Finds the regions of one face."""

    @property
    def identity(self) -> str:
        """Names the method and its weights: another one may find other regions."""
        ...

    def parse(self, frame: Image, square: NDArray[np.floating], mesh: NDArray[np.float32]) -> Regions:
        """Find the regions.

        Args:
            frame: (H, W, 3) BGR.
            square: (3,) left, top and side in pixels of the frame; it may reach outside.
            mesh: (468, 2) the face in the frame; pixel centres have whole numbers.
        """
        ...


class MeshParser:
    """Draws the regions from the face mesh alone: no network, and the outline moves as steadily as the mesh.

    Hair or a hand before the face is not seen.
    """

    identity = "mesh-1"

    def parse(self, frame: Image, square: NDArray[np.floating], mesh: NDArray[np.float32]) -> Regions:
        """See :class:`FaceParser`."""
        points = (mesh[:, :2] + 0.5 - square[:2]) * (PARSE_SIDE / square[2]) - 0.5
        lips = [*OUTER_UPPER, *reversed(OUTER_LOWER[1:-1])]
        # Wide open, the inner rim of the lips can leave the outer one.
        inside = [*INNER_UPPER, *reversed(INNER_LOWER[1:-1])]
        return Regions(
            skin=_fill(points[list(OVAL)]),
            mouth=_fill(points[lips]) | _fill(points[inside]),
            nose=_fill(points[list(_NOSE)]),
            neck=_neck(points),
        )


def _neck(points: NDArray[np.floating]) -> Region:
    """Below the jaw, between its corners; the mesh says nothing of it, so this is a guess."""
    jaw = [*JAW_LEFT[NECK_WIDTH:0:-1], *JAW_RIGHT[: NECK_WIDTH + 1]]
    down = (points[CHIN] - points[FOREHEAD]) * NECK_DEPTH
    rim = points[jaw]
    corners = np.concatenate([rim, rim[-1:] + down, rim[:1] + down])
    return _fill(corners) & ~_fill(points[list(OVAL)])


def _fill(corners: NDArray[np.floating]) -> Region:
    canvas = np.zeros((PARSE_SIDE, PARSE_SIDE), np.uint8)
    fixed = np.round(corners * (1 << SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], (1,), cv2.LINE_8, SUBPIXEL_BITS)
    return canvas.astype(bool)
