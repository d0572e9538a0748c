"""The mouth atlas: the part of an avatar that the embedded face engine and the compositor use.

Pictures are BGR uint8. Rectangles are (x, y, width, height) in pixels of the still, all even, so that
chroma planes of yuv420p line up. Written as ``atlas.npz`` without objects, so that reading one from a
stranger runs no code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatars.errors import BundleInvalid
from avatars.manifest import MAX_SIDE, MIN_SIDE

Image = NDArray[np.uint8]
Grid = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MouthAtlas:
    """One avatar's pictures for every mouth, lid and gaze, and the fields that move its head.

    Attributes:
        still: (H, W, 3) the avatar at rest, mouth closed, eyes open, sharpened for one linear remap.
        mouth_rect: (4,) where mouth pictures go.
        apertures: (A,) rising, first 0.
        widths: (J,) rising within -1..1, containing 0.
        mouths: (A, J, h, w, 3); at aperture 0 and width 0 it equals the still.
        press_levels: (K,) rising, > 0, last 1. press_widths: (P,) rising.
        press: (K, P, h, w, 3) lips pressed (m b p), from a closed mouth.
        bite_levels: (K,). bite_widths: (P,). bite: (K, P, h, w, 3) lower lip under the teeth (f v).
        tongue_levels: (K,) may be empty. tongue_aperture: (1,), the aperture the tongue pictures start from.
        tongue: (K, h, w, 3) tongue tip at the teeth (l th), at width 0.
        eye_rect: (4,) one rectangle over both eyes.
        lids: (L,) closure 0..1 rising, first 0, last 1.
        gazes: (G, 2) gaze direction (x, y) in -1..1, first (0, 0); x > 0 is the picture's right, y > 0 down.
        eyes: (L, G, h, w, 3).
        motion: (M, N, N, 2) displacement in pixels of the still (x, y), one field per entry of ``MOTIONS``,
            on an N x N grid that spans the still's corners; 0 at the picture's left, top and right rim.
        landmarks: (468, 2) face mesh of the still in pixels, for tests and tools.
    """

    still: Image
    mouth_rect: NDArray[np.int32]
    apertures: Grid
    widths: Grid
    mouths: Image
    press_levels: Grid
    press_widths: Grid
    press: Image
    bite_levels: Grid
    bite_widths: Grid
    bite: Image
    tongue_levels: Grid
    tongue_aperture: Grid
    tongue: Image
    eye_rect: NDArray[np.int32]
    lids: Grid
    gazes: Grid
    eyes: Image
    motion: Grid
    landmarks: Grid


MOTIONS = ("shift_x", "shift_y", "roll", "yaw", "pitch", "breath", "brows")
"""Names of the motion fields. Coefficients: pixels for shifts and breath, sine of the angle for roll, yaw and
pitch, 0..1 for brows."""

LANDMARKS = 468
"""Points of the face mesh."""
REST_TOLERANCE = 2.0
"""Mean difference in levels up to which a picture at rest counts as equal to the still."""


def validate(atlas: MouthAtlas) -> None:
    """Check that all parts of an atlas fit together, so that drawing from it cannot fail.

    Raises:
        BundleInvalid: naming the first part that does not fit.
    """
    _require(atlas.still.ndim == 3 and atlas.still.shape[2] == 3, "still is not a colour picture")
    height, width = atlas.still.shape[:2]
    _require(
        all(MIN_SIDE <= side <= MAX_SIDE and side % 2 == 0 for side in (height, width)),
        f"still is {width} x {height}; both sides must be even and within {MIN_SIDE}..{MAX_SIDE} pixels",
    )
    for name in ("mouth_rect", "eye_rect"):
        _check_rect(name, getattr(atlas, name), width, height)
    mouth, eye = _picture_shape(atlas.mouth_rect), _picture_shape(atlas.eye_rect)

    _check_levels("apertures", atlas.apertures, 0, 1, least=2)
    _require(float(atlas.apertures[0]) == 0, "apertures must start at 0")
    _check_levels("widths", atlas.widths, -1, 1)
    _require(bool((atlas.widths == 0).any()), "widths must contain 0")
    _check_shape("mouths", atlas.mouths, (len(atlas.apertures), len(atlas.widths), *mouth))

    for name in ("press", "bite"):
        levels, widths = getattr(atlas, f"{name}_levels"), getattr(atlas, f"{name}_widths")
        _check_levels(f"{name}_levels", levels, 0, 1)
        _require(
            float(levels[0]) > 0 and float(levels[-1]) == 1, f"{name}_levels must lie in (0, 1] and end at 1"
        )
        _check_levels(f"{name}_widths", widths, -1, 1)
        _check_shape(name, getattr(atlas, name), (len(levels), len(widths), *mouth))

    _check_levels("tongue_levels", atlas.tongue_levels, 0, 1, least=0)
    _require(
        not len(atlas.tongue_levels) or float(atlas.tongue_levels[0]) > 0, "tongue_levels must be above 0"
    )
    _check_levels("tongue_aperture", atlas.tongue_aperture, 0, 1)
    _check_shape("tongue_aperture", atlas.tongue_aperture, (1,))
    _check_shape("tongue", atlas.tongue, (len(atlas.tongue_levels), *mouth))

    _check_levels("lids", atlas.lids, 0, 1, least=2)
    _require(float(atlas.lids[0]) == 0 and float(atlas.lids[-1]) == 1, "lids must go from 0 to 1")
    _require(atlas.gazes.ndim == 2 and len(atlas.gazes) >= 1, "gazes must be a list of directions")
    _check_shape("gazes", atlas.gazes, (len(atlas.gazes), 2))
    _check_finite("gazes", atlas.gazes, -1, 1)
    _require(not atlas.gazes[0].any(), "gazes must start with (0, 0)")
    _check_shape("eyes", atlas.eyes, (len(atlas.lids), len(atlas.gazes), *eye))

    nodes = atlas.motion.shape[1] if atlas.motion.ndim == 4 else 0
    _check_shape("motion", atlas.motion, (len(MOTIONS), nodes, nodes, 2))
    _require(nodes >= 2, "motion needs a grid of at least 2 x 2")
    _check_finite("motion", atlas.motion, -4 * MAX_SIDE, 4 * MAX_SIDE)
    _check_shape("landmarks", atlas.landmarks, (LANDMARKS, 2))
    _check_finite("landmarks", atlas.landmarks, -MAX_SIDE, 2 * MAX_SIDE)

    rest = int(np.flatnonzero(atlas.widths == 0)[0])
    _check_rest("mouths", atlas.mouths[0, rest], atlas.still, atlas.mouth_rect)
    _check_rest("eyes", atlas.eyes[0, 0], atlas.still, atlas.eye_rect)


def crop(picture: Image, rect: NDArray[np.int32]) -> Image:
    """A view of ``rect`` (x, y, width, height) in a picture."""
    x, y, width, height = (int(v) for v in rect)
    return picture[y : y + height, x : x + width]


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise BundleInvalid(f"The mouth atlas is damaged ({problem}). Create the avatar again.")


def _picture_shape(rect: NDArray[np.int32]) -> tuple[int, int, int]:
    return int(rect[3]), int(rect[2]), 3


def _check_shape(name: str, array: NDArray, shape: tuple[int, ...]) -> None:
    _require(array.shape == shape, f"{name} has the shape {array.shape}, not {shape}")


def _check_finite(name: str, array: NDArray, low: float, high: float) -> None:
    _require(bool(np.isfinite(array).all()), f"{name} holds numbers that are not finite")
    _require(bool(((array >= low) & (array <= high)).all()), f"{name} leaves {low}..{high}")


def _check_levels(name: str, levels: Grid, low: float, high: float, least: int = 1) -> None:
    _require(levels.ndim == 1 and len(levels) >= least, f"{name} needs at least {least} entries")
    _check_finite(name, levels, low, high)
    _require(bool((np.diff(levels) > 0).all()), f"{name} must rise")


def _check_rect(name: str, rect: NDArray[np.int32], width: int, height: int) -> None:
    _check_shape(name, rect, (4,))
    x, y, w, h = (int(v) for v in rect)
    inside = x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= width and y + h <= height
    _require(inside, f"{name} leaves the picture")
    _require(not any(v % 2 for v in (x, y, w, h)), f"{name} must have even numbers")


def _check_rest(name: str, picture: Image, still: Image, rect: NDArray[np.int32]) -> None:
    difference = np.abs(picture.astype(np.int16) - crop(still, rect)).mean()
    _require(float(difference) <= REST_TOLERANCE, f"{name} at rest do not match the still")
