"""Finds what comes before the mouth in a video: hands, cups, microphones, telephones.

The face mesh hardly minds: it goes on where the face must be. So each face is unwrapped along its mesh into a
small picture, in which a face that moves, turns or speaks stands nearly still, and what does not belong to it
does not. Each is compared with the median of all.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_dilation, binary_erosion, median_filter
from scipy.spatial import Delaunay

from precompute.landmarks import Image
from precompute.mesh_points import OUTER_LOWER, OUTER_UPPER

SIDE = 48
"""Of an unwrapped face in pixels."""
FINER = 2
"""Samples per pixel and direction."""
LOWER_BEGINS = 28
"""The row of an unwrapped face from which on the mouth, the chin and what is around them lie."""
RIM = 6
"""Columns at either side that a slight turn hides."""
SMOOTH = 1.0
"""Standard deviation of the smoothing of unwrapped faces in pixels: skin is matched, not pores."""
LEAST_DEVIATION, USUAL_DEVIATIONS = 4.0, 2.5
"""Levels by which a pixel may differ from the median, and how many times as much as it usually does."""
MIN_COLOUR = 1.5
"""Standard deviation of the redness of a lower face in levels, below which there is no telling lips by it."""
MAX_GAIN = 2.0
"""By which a face may be lighter or darker than usual."""
ODD = 0.6
"""Oddness from which on something is before the mouth. Speech, laughter and turning heads reach .56 in 6000
frames of three real people; the least that drawn hands and things reached on them is .67."""
LEAST_FRAMES = 8
"""Below, there is nothing that a face could be compared with."""
MARGIN, GAP = 5, 12
"""Frames left out around such frames, as things come and go, and between them."""
OTHER_SHARE = 0.1
REDDER = 3.0
"""Levels by which the lips of frames that differ are redder than those of the others, if it is in these that
they are covered."""


class Unwrapped:
    """The faces of a video, unwrapped one by one; 7 kB each.

    Attributes:
        faces: (SIDE, SIDE, 3) BGR each; ``None`` where there was none.
    """

    def __init__(self) -> None:
        self.faces: list[NDArray[np.uint8] | None] = []
        self._layout: _Layout | None = None

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(SIDE, SIDE) what belongs to the face."""
        return np.zeros((SIDE, SIDE), bool) if self._layout is None else self._layout.inside

    @property
    def lips(self) -> NDArray[np.bool_]:
        """(SIDE, SIDE) where the lips are."""
        return np.zeros((SIDE, SIDE), bool) if self._layout is None else self._layout.lips

    def add(self, frame: Image, points: NDArray[np.float32] | None, usable: bool) -> None:
        """Unwrap a face; about 0.4 ms.

        Args:
            frame: (H, W, 3) BGR.
            points: (468, 2) its landmarks in pixels, if there are any.
            usable: whether it is seen well; the first such face decides how all are laid out.
        """
        if points is not None and self._layout is None and usable:
            self._layout = _Layout.of(points)
        if points is None or self._layout is None:
            self.faces.append(None)
            return
        self.faces.append(self._layout.unwrap(frame, points))

    def again(self) -> None:
        """The same as before is shown once more."""
        self.faces.append(self.faces[-1])


def covered(unwrapped: Unwrapped, usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which frames have something before the mouth, and the few around them in which it comes and goes.

    Where that is all of the video, nothing is found.

    Args:
        unwrapped: the faces of N frames.
        usable: (N,) which show one whole face from the front; the others are not judged.
    """
    there = np.array([face is not None for face in unwrapped.faces], bool) & usable
    found = np.zeros(len(there), bool)
    if there.sum() < LEAST_FRAMES:
        return found
    faces = np.array([face for face, one in zip(unwrapped.faces, there, strict=True) if one])
    lab = np.array([_lab(face) for face in faces])
    inside = np.asarray(binary_erosion(unwrapped.inside, np.ones((5, 5))), bool)
    odd = _is_odd(lab, inside, np.median(lab, axis=0))
    lips = unwrapped.lips & inside
    if OTHER_SHARE < odd.mean() < 1 and _redness(lab[odd], lips) > _redness(lab[~odd], lips) + REDDER:
        # Most of the video was covered: what differs from the most is the face.
        odd = _is_odd(lab, inside, np.median(lab[odd], axis=0))
    found[there] = odd
    closed = binary_closing(np.pad(found, GAP), np.ones(GAP))[GAP:-GAP]
    return np.asarray(binary_dilation(closed, np.ones(2 * MARGIN + 1)), bool)


def _is_odd(
    lab: NDArray[np.float32], inside: NDArray[np.bool_], usual: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """(M,) whether the lower face is not what it usually is. Single frames do not count."""
    return median_filter(_oddness(lab, inside, usual), 3, mode="nearest") > ODD


def _oddness(
    lab: NDArray[np.float32], inside: NDArray[np.bool_], usual: NDArray[np.float32]
) -> NDArray[np.float64]:
    """(M,) the share of the lower face that differs, and how unlike its patterns of light and redness are."""
    row, column = np.mgrid[0:SIDE, 0:SIDE]
    lower = inside & (row >= LOWER_BEGINS) & (column > RIM) & (column < SIDE - RIM)
    upper = inside & (row < LOWER_BEGINS)
    gain = np.median(lab[:, upper, 0], axis=1) / max(1.0, float(np.median(usual[upper, 0])))
    light = lab[:, lower, 0] / np.clip(gain, 1 / MAX_GAIN, MAX_GAIN)[:, None] - usual[lower, 0]
    tint = lab[:, lower, 1:] - usual[lower, 1:]
    # The colour of the light, as it is seen where nothing covers the face.
    tint = tint - np.median(lab[:, upper, 1:] - usual[upper, 1:], axis=1)[:, None]
    deviation = np.sqrt((0.5 * light) ** 2 + (tint**2).sum(axis=2))
    allowed = LEAST_DEVIATION + USUAL_DEVIATIONS * np.median(deviation, axis=0)
    differs = (deviation > allowed).mean(axis=1)
    pattern = 1 - _likeness(lab[:, lower, 0], usual[lower, 0])
    if float(usual[lower, 1].std()) < MIN_COLOUR:
        return differs + 0.5 * pattern
    return differs + 0.25 * pattern + 0.5 * (1 - _likeness(lab[:, lower, 1], usual[lower, 1]))


def _likeness(values: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float64]:
    """(M,) correlation of rows with the usual one."""
    one = values.astype(np.float64) - values.mean(axis=1, keepdims=True)
    other = usual.astype(np.float64) - usual.mean()
    return (one @ other) / np.sqrt((one**2).sum(axis=1) * (other**2).sum() + 1e-6)


def _redness(lab: NDArray[np.float32], lips: NDArray[np.bool_]) -> float:
    """By how much lips are redder than the upper face, in levels."""
    red = np.median(lab, axis=0)[..., 1]
    return float(np.median(red[lips]) - np.median(red[LOWER_BEGINS // 2 : LOWER_BEGINS, RIM : SIDE - RIM]))


def _lab(face: NDArray[np.uint8]) -> NDArray[np.float32]:
    smooth = cv2.GaussianBlur(face, (0, 0), SMOOTH)
    return cv2.cvtColor(smooth, cv2.COLOR_BGR2LAB).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Where each sample of an unwrapped face lies between three landmarks.

    Attributes:
        inside: (SIDE, SIDE) what belongs to the face.
        lips: (SIDE, SIDE) where the lips are.
        corners: (S, 3) landmarks around each sample.
        shares: (S, 3) float32 their shares.
    """

    inside: NDArray[np.bool_]
    lips: NDArray[np.bool_]
    corners: NDArray[np.intp]
    shares: NDArray[np.float32]

    @classmethod
    def of(cls, points: NDArray[np.float32]) -> _Layout:
        """Laid out as this face is."""
        low, high = points.min(axis=0), points.max(axis=0)
        flat = ((points - low) / np.maximum(high - low, 1e-3)).astype(np.float64)
        steps = (np.arange(SIDE * FINER) + 0.5) / (SIDE * FINER)
        across, down = np.meshgrid(steps, steps)
        places = np.column_stack([across.ravel(), down.ravel()])
        mesh = Delaunay(flat)
        found = mesh.find_simplex(places)
        turned = mesh.transform[found]
        two = np.einsum("nij,nj->ni", turned[:, :2], places - turned[:, 2])
        shares = np.column_stack([two, 1 - two.sum(axis=1)]).astype(np.float32)
        inside = (found >= 0).reshape(SIDE, FINER, SIDE, FINER).all(axis=(1, 3))
        outline = flat[[*OUTER_UPPER, *OUTER_LOWER[::-1]]] * SIDE - 0.5
        lips = np.zeros((SIDE, SIDE), np.uint8)
        cv2.fillConvexPoly(lips, cv2.convexHull(np.rint(outline).astype(np.int32)), 1)
        return cls(
            np.asarray(inside, bool), lips > 0, mesh.simplices[found].astype(np.intp), np.nan_to_num(shares)
        )

    def unwrap(self, frame: Image, points: NDArray[np.float32]) -> NDArray[np.uint8]:
        """(SIDE, SIDE, 3) BGR."""
        places = np.einsum("sk,skd->sd", self.shares, points[self.corners]).astype(np.float32)
        where = places.reshape(SIDE * FINER, SIDE * FINER, 2)
        fine = cv2.remap(
            frame, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        face = np.asarray(cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        face[~self.inside] = 0
        return face
