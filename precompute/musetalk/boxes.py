"""Where the face crop of MuseTalk v1.5 lies, and how it moves without trembling.

The network was trained on crops that reach from the chin as far above the middle of the nose as below it, so
its boxes follow landmarks in the order of ibug's 300-W (68 points), which are read off the face mesh here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from avatars.manifest import LoopKind
from avatars.musetalk import MIN_BOX_SIDE
from precompute.curves import smoothstep

Points = NDArray[np.float32]
Boxes = NDArray[np.float64]
"""(N, 4) left, top, right, bottom of rectangles in pixels; pixel i covers i to i + 1."""

EXTRA_MARGIN = 10.0
"""Pixels below the chin."""
NOSE_MIDDLE = 29
"""Of the 68 points, the one that halves the box."""

_JAW = (127, 234, 93, 132, 58, 172, 136, 150, 152, 379, 365, 397, 288, 361, 323, 454, 356)
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_NOSE = ((168,), (6, 197), (195, 5), (4,), (98,), (97,), (2,), (326,), (327,))
"""Points 27 to 35; two mesh points stand for the one between them."""
_EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)

CALM, CALM_SIZE = 3.5, 5.0
"""Standard deviations of the smoothing in frames: heads may move quickly, but they grow and shrink slowly."""
QUICK = 1.0
"""The same, while the head moves more than the calm one can follow."""
NOISE_BEGINS, NOISE_ENDS = 2.0, 4.0
"""What the two differ by, in units of what trembling makes of it: below is trembling, above is motion."""
LEAST_NOISE = 0.1
"""Pixels."""
BEYOND: dict[LoopKind, Literal["mirror", "wrap"]] = {"mirrored": "mirror", "forward": "wrap"}
"""What SciPy's filters call that which lies beyond an end."""


def ibug_points(mesh: Points) -> Points:
    """The 68 points of ibug's 300-W from a face mesh.

    Args:
        mesh: (468, 2 or more) points.

    Returns:
        (68, 2): jaw, brows, nose, eyes, lips.
    """
    flat = np.asarray(mesh, np.float32)[:, :2]
    nose = np.array([flat[list(group)].mean(axis=0) for group in _NOSE])
    return np.concatenate([flat[list(_JAW)], flat[list(_BROWS)], nose, flat[list(_EYES)], flat[list(_LIPS)]])


def face_box(points: Points, shift: float = 0.0, margin: float = EXTRA_MARGIN) -> Boxes | None:
    """The crop of one face; it may still reach outside the frame.

    Args:
        points: (68, 2) as from :func:`ibug_points`; pixel centres have whole numbers.
        shift: pixels by which the middle of the box goes down.
        margin: pixels added below the chin.

    Returns:
        (4,) left, top, right, bottom; ``None`` when the points span no box.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    middle = float(points[NOSE_MIDDLE, 1]) + shift
    bottom = float(high[1])
    box = np.array([low[0], middle - (bottom - middle), high[0], bottom]) + 0.5
    if box[2] - box[0] < MIN_BOX_SIDE or box[3] - box[1] < MIN_BOX_SIDE:
        return None
    box[3] += margin
    return box


def smooth_boxes(boxes: Boxes, loop: LoopKind = "mirrored") -> Boxes:
    """Take the trembling out of the boxes of a loop.

    What lies beyond an end is what is shown there: the loop itself, backwards or from its other end. No end
    is special. Nothing lags behind, as a window reaches as far ahead as back.

    Args:
        boxes: (N, 4), one for each frame.
        loop: how it goes on at its end.
    """
    centres = smooth((boxes[:, :2] + boxes[:, 2:]) / 2, loop=loop)
    halves = smooth((boxes[:, 2:] - boxes[:, :2]) / 2, CALM_SIZE, loop)
    return np.concatenate([centres - halves, centres + halves], axis=1)


def smooth(
    values: NDArray[np.floating], calm: float = CALM, loop: LoopKind = "mirrored"
) -> NDArray[np.float64]:
    """Smooth (N, ...) places along the frames of such a loop; single outliers are left out.

    Calm as long as they tremble, quick where all of them move.

    Args:
        values: in pixels.
        calm: standard deviation of the Gaussian in frames.
        loop: how it goes on at its end.
    """
    beyond = BEYOND[loop]
    places = np.asarray(values, np.float64)
    if len(places) < 3:
        return places
    steady = median_filter(places, size=(3,) + (1,) * (places.ndim - 1), mode=beyond)
    slow = gaussian_filter1d(steady, calm, axis=0, mode=beyond)
    fast = gaussian_filter1d(steady, QUICK, axis=0, mode=beyond)
    moving = smoothstep(NOISE_BEGINS, NOISE_ENDS, _size(fast - slow) / (_noise(places) * _left_over(calm)))
    share = gaussian_filter1d(moving, QUICK, axis=0, mode=beyond).reshape(-1, *(1,) * (places.ndim - 1))
    return slow + share * (fast - slow)


def _size(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) root mean square of each frame's numbers."""
    return np.sqrt(np.square(steps.reshape(len(steps), -1)).mean(axis=1))


def _noise(places: NDArray[np.float64]) -> float:
    """Standard deviation of the trembling, from its second differences, in which slow motion vanishes."""
    bends = places[2:] - 2 * places[1:-1] + places[:-2]
    return max(float(np.median(_size(bends))) / np.sqrt(6), LEAST_NOISE)


def _left_over(calm: float) -> float:
    """What the two smoothings of noise of 1 differ by: the standard deviation."""
    square = 1 / (2 * np.sqrt(np.pi))
    return np.sqrt(square / QUICK + square / calm - 2 * square * np.sqrt(2 / (QUICK**2 + calm**2)))


def clamp(boxes: Boxes, width: int, height: int) -> NDArray[np.float32]:
    """Keep boxes inside frames of a size."""
    limits = np.array([width, height, width, height], np.float32)
    return np.clip(boxes.astype(np.float32), 0, limits)
