"""The mouth's own coordinates and its lip contours.

Origin between the mouth's corners, x along the line through the eyes to the picture's right, y down, unit the
distance between the outer corners of the eyes ("eye span"). So every number below fits every face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from precompute.mesh_points import (
    CHIN,
    EYE_OUTER_LEFT,
    EYE_OUTER_RIGHT,
    INNER_LOWER,
    INNER_UPPER,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    NOSE_BASE,
    OUTER_LOWER,
    OUTER_UPPER,
)

Floats = NDArray[np.float64]

KNOTS: Floats = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 29))
"""Places along a lip from corner (-1) to corner (1), denser towards the corners; enough of them for the small
opening of a round mouth."""
MIDDLE = len(KNOTS) // 2
"""Index of the place in the middle of a lip."""
_MIDDLE_PART = slice(MIDDLE - 6, MIDDLE + 7)
_DENSE_ANGLES = np.linspace(-np.pi / 2, np.pi / 2, 141)


@dataclass(frozen=True, slots=True, eq=False)
class MouthFrame:
    """Turns pixels of the portrait into mouth coordinates and back.

    Attributes:
        origin: (2,) pixels.
        axes: (2, 2) rows are the x and y axis.
        unit: eye span in pixels.
    """

    origin: Floats
    axes: Floats
    unit: float

    @classmethod
    def of(cls, landmarks: NDArray[np.floating]) -> MouthFrame:
        """The frame of a (468, 2 or 3) mesh in pixels."""
        points = landmarks[:, :2].astype(np.float64)
        eyes = points[EYE_OUTER_LEFT] - points[EYE_OUTER_RIGHT]
        unit = float(np.hypot(*eyes))
        c, s = eyes / unit
        return cls((points[MOUTH_RIGHT] + points[MOUTH_LEFT]) / 2, np.array([[c, s], [-s, c]]), unit)

    def to_mouth(self, pixels: NDArray[np.floating]) -> Floats:
        """(..., 2) pixels to mouth coordinates."""
        return (pixels - self.origin) @ self.axes.T / self.unit

    def to_pixels(self, places: NDArray[np.floating]) -> Floats:
        """(..., 2) mouth coordinates to pixels."""
        return places @ self.axes * self.unit + self.origin


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """Four lip edges, each (n, 2) at the ``KNOTS`` from left corner to right corner, in mouth coordinates."""

    outer_upper: Floats
    outer_lower: Floats
    inner_upper: Floats
    inner_lower: Floats

    def copy(self) -> Contours:
        """Edges that may be changed freely."""
        return Contours(
            self.outer_upper.copy(), self.outer_lower.copy(), self.inner_upper.copy(), self.inner_lower.copy()
        )

    @property
    def gap(self) -> Floats:
        """(n,) how far the lips are apart."""
        return self.inner_lower[:, 1] - self.inner_upper[:, 1]

    def all(self) -> tuple[Floats, Floats, Floats, Floats]:
        """The four edges."""
        return self.outer_upper, self.outer_lower, self.inner_upper, self.inner_lower


@dataclass(frozen=True, slots=True, eq=False)
class OwnTeeth:
    """The upper teeth that the open mouth of a photo shows.

    Attributes:
        source: the untouched source.
        mask: over the source, 255 on teeth.
        colour: (3,) of the brighter half of them, BGR 0..1.
        edge: height of their biting edge at the middle, in mouth coordinates.
        arc: how the edge runs on: it is at edge + arc x^2.
    """

    source: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    colour: Floats
    edge: float
    arc: float


@dataclass(frozen=True, slots=True, eq=False)
class Mouth:
    """What a portrait says about its mouth.

    Attributes:
        frame: coordinates.
        points: (468, 2) mesh in mouth coordinates.
        photo: lip edges as they are in the portrait (one seam when closed).
        rest: lip edges with the mouth closed and relaxed.
        closed: the portrait's mouth is closed.
        teeth: the portrait shows teeth.
        chin_rise: how far the chin rises from the portrait to rest.
        own: the upper teeth that can be taken from the portrait.
    """

    frame: MouthFrame
    points: Floats
    photo: Contours
    rest: Contours
    closed: bool
    teeth: bool
    chin_rise: float = 0.0
    own: OwnTeeth | None = None

    @property
    def nose(self) -> float:
        """Height of the nose's base (negative: above the mouth)."""
        return float(self.points[NOSE_BASE, 1])

    @property
    def chin(self) -> float:
        """Height of the chin's lowest point."""
        return float(self.points[CHIN, 1])


def contours_of(points: Floats) -> Contours:
    """Lip edges of a mesh in mouth coordinates."""
    outer_upper, outer_lower, inner_upper, inner_lower = (
        resample(points[list(edge)], KNOTS) for edge in (OUTER_UPPER, OUTER_LOWER, INNER_UPPER, INNER_LOWER)
    )
    return Contours(outer_upper, outer_lower, inner_upper, inner_lower)


def resample(edge: Floats, at: Floats) -> Floats:
    """Points of an edge (n, 2) at shares -1..1 of its width; overshoot-free."""
    share = 2 * (edge[:, 0] - edge[0, 0]) / (edge[-1, 0] - edge[0, 0]) - 1
    order = np.argsort(share)
    rising = share[order]
    distinct = np.concatenate([[True], np.diff(rising) > 1e-4])
    y = PchipInterpolator(rising[distinct], edge[order][distinct, 1])(at)
    return np.column_stack([edge[0, 0] + (at + 1) / 2 * (edge[-1, 0] - edge[0, 0]), y])


def dense(edge: Floats) -> Floats:
    """(n, 2) at the knots to (141, 2) points for drawing."""
    return PchipInterpolator(np.arcsin(np.clip(KNOTS, -1, 1)), edge)(_DENSE_ANGLES)


def lip_middle(contours: Contours) -> Floats:
    """(13, 2) points in the middle of the lower lip, away from the corners."""
    return (contours.outer_lower[_MIDDLE_PART] + contours.inner_lower[_MIDDLE_PART]) / 2
