"""The two-layer warp: skin above the lips' seam and skin below it, each moved by its own smooth field."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.mesh_points import (
    CHEEKS_LEFT,
    CHEEKS_RIGHT,
    CHIN_FRONT,
    JAW_LEFT,
    JAW_RIGHT,
    UPPER_FACE,
)
from precompute.mouth.geometry import Contours, Floats, Mouth, MouthFrame
from precompute.mouth.raster import source_pixels
from precompute.mouth.shapes import MouthShape
from precompute.portrait import OVERSAMPLING

CELL = 2
"""Pixels of the frame between points where the field is computed."""
ROUNDING = 0.05
"""Radial basis sqrt(r^2 + ROUNDING^2): no crease at control points."""
SMOOTHING = 2e-4
RING = 1.1
"""What lies further than this beside the mouth stays put."""
SEAM_STEP = 0.006
"""When the lips part, each takes its edge from this far beside the dark seam line, which stays behind."""
SEAM_STEP_GAP = 0.015

JAW_WEIGHTS = (1, 0.97, 0.9, 0.78, 0.6, 0.42, 0.26, 0.12, 0.04, 0, 0)
CHIN_WEIGHTS = (1, 1, 1, 1, 0.97, 0.97, 0.95, 0.95, 0.95, 0.95, 0.93, 0.93, 0.95, 0.95)
NECK_ROWS = ((1.12, 0.14, 0.55), (1.20, 0.34, 0.10))
"""Copies of the jaw line on the neck: spread, drop, share of the jaw's movement."""
CHEEK_PULL = ((0.45, 0.38, 0.0), (0.38, 0.0, 0.4), (0.22, 0.10, 0.0))
"""Per cheek point: share of the corner's sideways, the jaw's, and the corner's downward movement."""

CHIN_PULL = 0.40
"""Share of a corner's sideways movement that the chin's side below it makes."""

CHIN_PRESSED = 0.012
"""The chin's skin rises by this when lips are pressed together."""


class Controls:
    """Pairs of places: where something is in the portrait, where it goes."""

    def __init__(self) -> None:
        self._from: list[Floats] = []
        self._to: list[Floats] = []

    def add(self, places: Floats, move: Floats | tuple[float, float]) -> None:
        """Places (n, 2) or (2,) and how far they move."""
        at = np.atleast_2d(places)
        self._from.append(at)
        self._to.append(at + np.atleast_2d(np.asarray(move, np.float64)))

    def add_pairs(self, places: Floats, targets: Floats) -> None:
        """Places and where they go, (n, 2) each."""
        self._from.append(np.atleast_2d(places))
        self._to.append(np.atleast_2d(targets))

    def arrays(self, *more: Controls) -> tuple[Floats, Floats]:
        """All places and their targets, (n, 2) each."""
        parts = (self, *more)
        return np.vstack([p for c in parts for p in c._from]), np.vstack([p for c in parts for p in c._to])


def layer_controls(
    mouth: Mouth, shape: MouthShape, edges: Contours
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Control pairs (places, targets) of the upper and of the lower layer."""
    points, photo = mouth.points, mouth.photo
    chin_move = shape.jaw - mouth.chin_rise
    corner = edges.outer_upper[-1] - photo.outer_upper[-1]
    common = Controls()
    for line in (JAW_RIGHT, JAW_LEFT):
        for index, weight in zip(line, JAW_WEIGHTS, strict=True):
            common.add(points[index], (0, chin_move * weight))
        for spread, drop, share in NECK_ROWS:
            for index, weight in zip(line[:8], JAW_WEIGHTS[:8], strict=True):
                common.add(points[index] * (spread, 1) + (0, drop), (0, chin_move * weight * share))
    common.add(points[list(UPPER_FACE)], np.zeros((len(UPPER_FACE), 2)))
    for side, cheek in ((-1, CHEEKS_RIGHT), (1, CHEEKS_LEFT)):
        for index, (sideways, with_jaw, with_corner) in zip(cheek, CHEEK_PULL, strict=True):
            move = (side * corner[0] * sideways, chin_move * with_jaw + corner[1] * with_corner)
            common.add(points[index], move)
    for x in np.linspace(-RING, RING, 9):
        common.add(np.array([[x, mouth.nose - 0.25], [x, mouth.chin + 0.75]]), (0, 0))
    for y in np.linspace(mouth.nose - 0.2, mouth.chin + 0.6, 6):
        common.add(np.array([[-RING, y], [RING, y]]), (0, 0))
    for now, then in ((photo.outer_upper, edges.outer_upper), (photo.inner_upper, edges.inner_upper)):
        common.add_pairs(now[[0, -1]], then[[0, -1]])

    step = np.zeros_like(photo.inner_upper)
    if mouth.closed:
        step[:, 1] = SEAM_STEP * (1 + shape.round) * shape.parted * np.clip(edges.gap / SEAM_STEP_GAP, 0, 1)
    upper, lower = Controls(), Controls()
    upper.add_pairs(photo.outer_upper[1:-1], edges.outer_upper[1:-1])
    upper.add_pairs((photo.inner_upper - step)[1:-1], edges.inner_upper[1:-1])
    lower.add_pairs(photo.outer_lower[1:-1], edges.outer_lower[1:-1])
    lower.add_pairs((photo.inner_lower + step)[1:-1], edges.inner_lower[1:-1])
    # Between its edges a lip moves evenly: else a small opening pushes its dark seam out into the lip.
    upper.add_pairs(*_between(photo.outer_upper, photo.inner_upper, edges.outer_upper, edges.inner_upper))
    lower.add_pairs(*_between(photo.outer_lower, photo.inner_lower, edges.outer_lower, edges.inner_lower))
    front = np.zeros((len(CHIN_FRONT), 2))
    # The chin's sides follow the corners, or the cheeks beside a round mouth take the shape of an hourglass.
    front[:, 0] = (
        CHIN_PULL * corner[0] * np.clip(points[list(CHIN_FRONT), 0] / photo.outer_upper[-1, 0], -1, 1)
    )
    front[:, 1] = np.array(CHIN_WEIGHTS) * (chin_move - 0.010 * shape.bite - CHIN_PRESSED * shape.press)
    lower.add(points[list(CHIN_FRONT)], front)
    return common.arrays(upper), common.arrays(lower)


def _between(outer: Floats, inner: Floats, outer_then: Floats, inner_then: Floats) -> tuple[Floats, Floats]:
    """Places in the middle of a lip and where they go, every second one."""
    inside = slice(2, -2, 2)
    return (outer[inside] + inner[inside]) / 2, (outer_then[inside] + inner_then[inside]) / 2


class Warp:
    """Samples the source through a smooth field over a rectangle of the frame.

    Args:
        frame: mouth (or eye) coordinates.
        rect: x, y, width, height in pixels of the frame.
        rounding: see ``ROUNDING``.
        smoothing: added to the kernel's diagonal.
        cell: pixels of the frame between points where the field is computed.
    """

    def __init__(
        self,
        frame: MouthFrame,
        rect: tuple[int, int, int, int],
        rounding: float = ROUNDING,
        smoothing: float = SMOOTHING,
        cell: int = CELL,
    ) -> None:
        x, y, w, h = rect
        self._frame, self._rounding, self._smoothing = frame, rounding, smoothing
        n = OVERSAMPLING
        xs = ((np.arange(w * n) + 0.5) / n - 0.5 + x).astype(np.float32)
        ys = ((np.arange(h * n) + 0.5) / n - 0.5 + y).astype(np.float32)
        self.x, self.y = np.meshgrid(xs, ys)
        """(2h, 2w) pixel coordinates of the frame under each drawn pixel."""
        places = frame.to_mouth(np.stack([self.x, self.y], axis=-1)).astype(np.float32)
        self.places_x = np.ascontiguousarray(places[..., 0])
        self.places_y = np.ascontiguousarray(places[..., 1])
        """(2h, 2w) mouth coordinates under each drawn pixel."""
        cell_x = np.arange(x - cell, x + w + 2 * cell, cell, dtype=np.float32)
        cell_y = np.arange(y - cell, y + h + 2 * cell, cell, dtype=np.float32)
        grid = np.stack(np.meshgrid(cell_x, cell_y), axis=-1)
        self._cells = grid.shape[:2]
        self._cell_places = frame.to_mouth(grid.reshape(-1, 2)).astype(np.float32)
        self._cell_norms = (self._cell_places**2).sum(axis=1, keepdims=True)
        self._look_x = np.ascontiguousarray((self.x - cell_x[0]) / cell)
        self._look_y = np.ascontiguousarray((self.y - cell_y[0]) / cell)
        self.source_x = source_pixels(self.x).astype(np.float32)
        self.source_y = source_pixels(self.y).astype(np.float32)

    def maps(self, places: Floats, targets: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where in the source each drawn pixel comes from, when ``places`` go to ``targets`` (n, 2 each)."""
        move = places - targets
        if not move.any():
            return self.source_x, self.source_y
        apart = ((targets[:, None] - targets[None]) ** 2).sum(axis=-1)
        kernel = np.sqrt(apart + self._rounding**2)
        weights = np.linalg.solve(kernel - self._smoothing * np.eye(len(targets)), move)
        weights = (weights @ self._frame.axes * self._frame.unit * OVERSAMPLING).astype(np.float32)
        at = targets.astype(np.float32)
        basis = self._cell_places @ (-2 * at.T)
        basis += self._cell_norms
        basis += (at**2).sum(axis=1)
        np.maximum(basis, 0, out=basis)
        basis += np.float32(self._rounding**2)
        np.sqrt(basis, out=basis)
        field = (basis @ weights).reshape(*self._cells, 2)
        fine = cv2.remap(field, self._look_x, self._look_y, cv2.INTER_LINEAR)
        return self.source_x + fine[..., 0], self.source_y + fine[..., 1]

    def sample(self, source: NDArray[np.uint8], places: Floats, targets: Floats) -> NDArray[np.uint8]:
        """The warped picture, (2h, 2w, 3)."""
        return self.look_up(source, *self.maps(places, targets))

    @staticmethod
    def look_up(
        source: NDArray[np.uint8], x: NDArray[np.float32], y: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """The source at given places."""
        picture = cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(picture, np.uint8)
