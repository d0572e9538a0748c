"""Moving heads: what a video's avatar needs so that the mouths of its atlas can be drawn into its loop.

The atlas is that of one frame, the reference. Skin that a mouth moves is the frame's own, moved as the mouth
moves it in the reference; lips, and what is between them, are the atlas's pictures. Where the reference's
face is in a frame is told by a polynomial of second order, as a face that turns is curved.

Written as ``heads.npz`` without objects. Lengths without a unit are in eye spans: the distance between the
outer corners of the eyes in the reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatars.atlas import MouthAtlas
from avatars.errors import BundleInvalid

Grid = NDArray[np.float32]

TERMS = 6
"""Of a polynomial of second order in x and y: 1, x, y, x x, x y, y y."""
LIGHT_TERMS = 3
"""1, x, y."""
MOST_TERM = 4.0
MOST_LIGHT = 4.0
MOST_OFFSET = 128.0
MOST_MOVE = 1.0
MIN_EYE_SPAN = 8.0
"""Pixels; below, nothing could be seen of a mouth."""
EYE_OUTER_RIGHT, EYE_OUTER_LEFT = 33, 263
"""Outer eye corners in the face mesh."""


@dataclass(frozen=True, slots=True, eq=False)
class MovingHeads:
    """Everything about the N frames of a loop.

    Attributes:
        reference: (1,) the frame that the atlas was made from.
        centres: (N, 2) where the mouth's middle is in each frame, in pixels.
        maps: (N, 2, 6) for each frame, where a place (x, y) from the centre lies in the reference, from the
            reference's centre; both in eye spans. Coefficients of 1, x, y, x x, x y, y y.
        light: (N, 3, 3) what makes the reference's lips those of the frame, at a place (x, y): the factor of
            luma over black, and what is added to both chromas. Coefficients of 1, x, y; each.
        opened: (N,) how far the frame's own mouth is open more than the reference's, as an aperture 0..1.
        lips: (h, w) of the atlas's mouth rectangle: how much of its pictures shows, 255 for all, where
            nothing moves. 0 along its edges.
        moves: (A, J, r, c, 2) for each mouth of the atlas, how far from a place in the rectangle (x, y) that
            shows there was in the reference, in eye spans. The grid spans the rectangle's corner pixels; 0
            along its edges.
        press_moves: (K, P, r, c, 2) the same for pressed lips.
        bite_moves: (K, P, r, c, 2) for the lower lip under the teeth.
        tongue_moves: (K, r, c, 2) for the tongue at the teeth.
    """

    reference: NDArray[np.int32]
    centres: Grid
    maps: Grid
    light: Grid
    opened: Grid
    lips: NDArray[np.uint8]
    moves: Grid
    press_moves: Grid
    bite_moves: Grid
    tongue_moves: Grid

    @property
    def frames(self) -> int:
        """Frames of the loop."""
        return len(self.centres)


def eye_span(atlas: MouthAtlas) -> float:
    """Distance between the outer eye corners of an atlas's still, in pixels."""
    return float(np.linalg.norm(atlas.landmarks[EYE_OUTER_LEFT] - atlas.landmarks[EYE_OUTER_RIGHT]))


def validate(heads: MovingHeads, atlas: MouthAtlas, frames: int) -> None:
    """Check that all fits together and fits the avatar, so that drawing from it cannot fail.

    Args:
        heads: what to check.
        atlas: of the same avatar, which is valid.
        frames: of its loop.

    Raises:
        BundleInvalid: naming the first thing that does not fit.
    """
    height, width = atlas.still.shape[:2]
    _require(eye_span(atlas) >= MIN_EYE_SPAN, "the atlas has no eyes")
    _check("reference", heads.reference, (1,), 0, frames - 1)
    _check("centres", heads.centres, (frames, 2), -max(width, height), 2 * max(width, height))
    _check("maps", heads.maps, (frames, 2, TERMS), -MOST_TERM, MOST_TERM)
    # Of a map that does not turn the face over, or spread it over the whole frame.
    turned = np.linalg.det(heads.maps[:, :, 1:3].astype(np.float64))
    _require(bool(((turned > 0.05) & (turned < 20)).all()), "maps turn a face over")
    _check("light", heads.light, (frames, 3, LIGHT_TERMS), -MOST_OFFSET, MOST_OFFSET)
    _require(bool((np.abs(heads.light[:, 0]) <= MOST_LIGHT).all()), "light is too strong")
    _check("opened", heads.opened, (frames,), 0, 1)
    mouth_height, mouth_width = int(atlas.mouth_rect[3]), int(atlas.mouth_rect[2])
    _check("lips", heads.lips, (mouth_height, mouth_width), 0, 255)
    rim = (heads.lips[[0, -1]], heads.lips[:, [0, -1]])
    _require(not any(edge.any() for edge in rim), "lips show at the rectangle's edge")
    rows, columns = heads.moves.shape[2:4] if heads.moves.ndim == 5 else (0, 0)
    _require(rows >= 2 and columns >= 2, "moves needs a grid of at least 2 x 2")
    for name, pictures in (
        ("moves", atlas.mouths),
        ("press_moves", atlas.press),
        ("bite_moves", atlas.bite),
        ("tongue_moves", atlas.tongue),
    ):
        _check(name, getattr(heads, name), (*pictures.shape[:-3], rows, columns, 2), -MOST_MOVE, MOST_MOVE)


def _check(name: str, array: NDArray[np.generic], shape: tuple[int, ...], low: float, high: float) -> None:
    _require(array.shape == shape, f"{name} has the shape {array.shape}, not {shape}")
    # Comparisons with NaN are false.
    _require(bool(((array >= low) & (array <= high)).all()), f"{name} leaves {low}..{high}")  # pyright: ignore[reportOperatorIssue]


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise BundleInvalid(f"The moving heads are damaged ({problem}). Create the avatar again.")
