"""What can be seen of a mouth in the frames of a film: landmarks for where it is, pixels for how it is.

Landmarks alone are not enough: a face mesh knows what mouths usually look like, and sees lips together that
are a little apart, above all rounded ones. So whether lips are shut is measured on the picture: between the
lips is whatever is darker or less red than they are. How far both measures can be trusted is found out with
mouths of known opening, see :mod:`benchmarks.judge.controls`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.landmarks import FaceFinder, FaceMesh
from precompute.mesh_points import (
    EYE_INNER_LEFT,
    EYE_INNER_RIGHT,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    OUTER_LOWER,
    OUTER_UPPER,
)
from precompute.mouth.geometry import MouthFrame

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

LIP_UPPER_OUTER, LIP_LOWER_OUTER = 0, 17
INNER_CORNER_RIGHT, INNER_CORNER_LEFT = 78, 308
SETTLING_FRAMES = 25
"""The lips' colour is learned from the first frames, in which nobody speaks."""

LIP_RED, LIP_LIGHT = 0.7, 0.6
"""What is less red (a* of CIELAB) or darker than these shares of the lips at rest lies between the lips."""
CENTRE = 0.15
"""Half width of the middle part of the mouth that is measured, in eye spans."""
RIM = 0.033
"""So much of the lips' outer edge is left out, where skin shines through."""
BOX_HALF_WIDTH, BOX_ABOVE, BOX_BELOW = 0.45, 0.25, 0.40
"""The mouth region around the mouth's middle, in eye spans."""

_OUTLINE = [*OUTER_UPPER, *OUTER_LOWER[-2:0:-1]]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a film shows, frame by frame. Lengths are in eye spans, free of the head's motion.

    Attributes:
        between: (n,) mean height of what lies between the lips, from pixels: are they shut?
        outer: (n,) distance of the outer lips' middles, from landmarks.
        width: (n,) distance of the inner corners of the mouth, from landmarks.
        places: (n, k, 2) the lips' outer edge in pixels, from the eyes.
        flicker: (n,) mean second difference of the mouth region's luma over three frames, in grey levels:
            motion at even speed leaves none. The first and the last are 0.
        sharpness: (n,) mean square of the Laplacian of the mouth region.
    """

    between: Floats
    outer: Floats
    width: Floats
    places: Floats
    flicker: Floats
    sharpness: Floats

    @property
    def opening(self) -> Floats:
        """(n,) how far the mouth is open: the mean of pixels and landmarks.

        On mouths of known opening it follows the aperture better than either alone, on every avatar.
        """
        return (self.between + self.outer) / 2


@dataclass(slots=True, eq=False)
class _Look:
    """The mouth region of one frame."""

    mesh: FaceMesh
    crop: Image
    origin: tuple[int, int]


class MouthReader:
    """Reads one film from its first frame to its last.

    Args:
        finder: landmarks.
    """

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder
        self._mesh: FaceMesh | None = None
        self._settling: list[_Look] = []
        self._lip: tuple[float, float] | None = None
        self._rows: list[tuple[float, ...]] = []
        self._places: list[Floats] = []
        self._lumas: list[NDArray[np.int16]] = []
        self._flicker: list[float] = []
        self._box: tuple[int, int, int, int] | None = None

    def read(self, frames: Iterable[Image]) -> Seen:
        """Look at all frames, the first second or more of which show the mouth at rest."""
        for picture in frames:
            self.look(picture)
        return self.finish()

    def look(self, picture: Image) -> FaceMesh:
        """Take the next frame; returns its mesh."""
        if self._mesh is None:
            # The first mesh is averaged; it decides where the region lies that flicker is measured in.
            self._mesh = self._finder.mesh(picture, self._finder.detect(picture)[0])
            self._box = mouth_box(self._mesh, picture.shape[:2])
        self._mesh = mesh = self._finder.mesh_once(picture, self._mesh)
        x, y, w, h = mouth_box(mesh, picture.shape[:2])
        look = _Look(mesh, picture[y : y + h, x : x + w].copy(), (x, y))
        self._watch_flicker(picture)
        if self._lip is None:
            self._settling.append(look)
            if len(self._settling) == SETTLING_FRAMES:
                self._settle()
        else:
            self._measure(look)
        return mesh

    def finish(self) -> Seen:
        """The film has ended."""
        if self._lip is None:
            self._settle()
        between, outer, width, sharpness = np.array(self._rows).T
        flicker = np.zeros(len(between))
        flicker[1:-1] = self._flicker
        return Seen(between, outer, width, np.array(self._places), flicker, sharpness)

    def _settle(self) -> None:
        colours = [_lip_colour(look) for look in self._settling]
        light, red = np.median(colours, axis=0)
        self._lip = float(light), float(red)
        for look in self._settling:
            self._measure(look)
        self._settling.clear()

    def _measure(self, look: _Look) -> None:
        assert self._lip is not None
        mesh = look.mesh
        points = MouthFrame.of(mesh.points).to_mouth(mesh.points[:, :2])
        outer = float(points[LIP_LOWER_OUTER, 1] - points[LIP_UPPER_OUTER, 1])
        width = float(np.linalg.norm(points[INNER_CORNER_LEFT] - points[INNER_CORNER_RIGHT]))
        grey = cv2.cvtColor(look.crop, cv2.COLOR_BGR2GRAY)
        sharpness = float(np.square(cv2.Laplacian(grey, cv2.CV_32F)).mean())
        self._rows.append((_between(look, *self._lip), outer, width, sharpness))
        # The eyes' inner corners stay where they are when the mouth moves.
        anchor = (points[EYE_INNER_RIGHT] + points[EYE_INNER_LEFT]) / 2
        self._places.append((points[_OUTLINE] - anchor) * mesh.eye_span)

    def _watch_flicker(self, picture: Image) -> None:
        assert self._box is not None
        x, y, w, h = self._box
        grey = cv2.cvtColor(picture[y : y + h, x : x + w], cv2.COLOR_BGR2GRAY)
        self._lumas.append(grey.astype(np.int16))
        if len(self._lumas) == 3:
            before, now, after = self._lumas
            self._flicker.append(float(np.abs(before - 2 * now + after).mean()))
            del self._lumas[0]


def mouth_box(
    mesh: FaceMesh,
    size: tuple[int, ...],
    half_width: float = BOX_HALF_WIDTH,
    above: float = BOX_ABOVE,
    below: float = BOX_BELOW,
) -> tuple[int, int, int, int]:
    """Left, top, width and height of the mouth region in pixels, within a (height, width) picture.

    The region reaches ``half_width``, ``above`` and ``below`` eye spans from the mouth's middle.
    """
    middle = (mesh.points[MOUTH_LEFT, :2] + mesh.points[MOUTH_RIGHT, :2]) / 2
    unit = mesh.eye_span
    left, right = (int(middle[0] + side * half_width * unit) for side in (-1, 1))
    top, bottom = int(middle[1] - above * unit), int(middle[1] + below * unit)
    left, top = max(left, 0), max(top, 0)
    return left, top, min(right, size[1]) - left, min(bottom, size[0]) - top


def _lips(look: _Look) -> NDArray[np.uint8]:
    """(h, w) 1 within the lips' outer edge, less its rim."""
    outline = look.mesh.points[_OUTLINE, :2] - np.array(look.origin)
    mask = np.zeros(look.crop.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 1)
    size = 2 * round(RIM * look.mesh.eye_span) + 1
    return np.asarray(cv2.erode(mask, np.ones((size, size), np.uint8)), np.uint8)


def _lip_colour(look: _Look) -> tuple[float, float]:
    """Median lightness and redness of the lips."""
    lab = cv2.cvtColor(look.crop, cv2.COLOR_BGR2LAB)[_lips(look) > 0]
    return float(np.median(lab[:, 0])), float(np.median(lab[:, 1])) - 128


def _between(look: _Look, light: float, red: float) -> float:
    lips = _lips(look) > 0
    lab = cv2.cvtColor(look.crop, cv2.COLOR_BGR2LAB)
    between = lips & ((lab[..., 1] < 128 + LIP_RED * red) | (lab[..., 0] < LIP_LIGHT * light))
    middle = float(look.mesh.points[[MOUTH_LEFT, MOUTH_RIGHT], 0].mean()) - look.origin[0]
    unit = look.mesh.eye_span
    columns = between[:, max(0, round(middle - CENTRE * unit)) : round(middle + CENTRE * unit) + 1]
    return float(columns.sum(axis=0).mean()) / unit
