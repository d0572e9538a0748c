"""What sessions of a video's avatar share in order to draw mouths into its loop: made once per process."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatars.atlas import MouthAtlas
from avatars.heads import MovingHeads, eye_span
from streaming.compositor.assets import AtlasAssets, Series, load_assets
from streaming.compositor.easing import MouthPose
from streaming.compositor.mouth import MouthTable, pictures_of
from streaming.compositor.planes import Plane

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class LoopMouthAssets:
    """Everything that sessions of one avatar share. All arrays are read-only.

    Attributes:
        atlas: pictures of the mouths.
        moves: how far they move what is around them, in eye spans; (..., rows * columns * 2).
        grid: rows and columns of a move.
        rect: x, y, width, height in the reference that a move's corners span, in pixels.
        lips: how much of the pictures shows where nothing moves; of the size of the atlas's mouth rectangle.
        unit: eye span of the reference in pixels.
        origin: the mouth's middle in the reference in pixels.
        centres: (N, 2); see :class:`avatars.heads.MovingHeads`.
        maps: (N, 2, 6).
        back: (N, 2, 2) from a small move in the reference to one in the frame.
        light: (N, 3, 3).
        owns: for each frame, the pose of its own mouth.
        size: width and height of the region of a frame that mouths are drawn in, even.
        corners: (N, 2) its upper left corners, even.
        nbytes: size in memory.
    """

    atlas: AtlasAssets
    moves: MouthTable
    grid: tuple[int, int]
    rect: tuple[int, int, int, int]
    lips: Plane
    unit: float
    origin: tuple[float, float]
    centres: list[tuple[float, float]]
    maps: list[list[list[float]]]
    back: Floats
    light: Floats
    owns: tuple[MouthPose, ...]
    size: tuple[int, int]
    corners: list[tuple[int, int]]
    nbytes: int


def load_loop_mouths(atlas: MouthAtlas, heads: MovingHeads) -> LoopMouthAssets:
    """Convert a checked atlas and checked moving heads. About 0.1 s for 100 pictures."""
    assets = load_assets(atlas)
    height, width = atlas.still.shape[:2]
    unit = eye_span(atlas)
    rows, columns = heads.moves.shape[2:4]
    back = np.linalg.inv(heads.maps[:, :, 1:3].astype(np.float64)).astype(np.float32)
    reference = heads.centres[int(heads.reference[0])].astype(np.float64)
    x, y, w, h = (int(n) for n in atlas.mouth_rect)
    size, corners = _regions(heads, back, reference, (x, y, w, h), width, height)
    # Eyes may have taken rows off the rectangle of the pictures.
    lips = np.ascontiguousarray(heads.lips[assets.mouth_rect[1] - y :])
    lips.flags.writeable = False

    def series(like: Series, moves: Floats) -> Series:
        return dataclasses.replace(like, pictures=moves.reshape(*like.pictures.shape[:2], -1))

    moves = pictures_of(assets)._replace(
        mouths=heads.moves.reshape(*assets.mouths.shape[:2], -1),
        press=series(assets.press, heads.press_moves),
        bite=series(assets.bite, heads.bite_moves),
        tongue=series(assets.tongue, heads.tongue_moves),
    )
    pictures = (assets.still, assets.mouths, assets.press.pictures, assets.bite.pictures, assets.eyes)
    moved = (moves.mouths, moves.press.pictures, moves.bite.pictures, moves.tongue.pictures)
    places = (heads.centres, heads.maps, heads.light)
    return LoopMouthAssets(
        atlas=assets,
        moves=moves,
        grid=(rows, columns),
        rect=(x, y, w, h),
        lips=lips,
        unit=unit,
        origin=(float(reference[0]), float(reference[1])),
        centres=[(float(cx), float(cy)) for cx, cy in heads.centres],
        maps=heads.maps.tolist(),
        back=back,
        light=heads.light,
        owns=tuple(MouthPose(float(opened)) for opened in heads.opened),
        size=size,
        corners=corners,
        # Lists of numbers take about four times what arrays of them do.
        nbytes=sum(a.nbytes for a in (*pictures, *moved)) + 4 * sum(a.nbytes for a in places),
    )


def _regions(
    heads: MovingHeads,
    back: Floats,
    reference: NDArray[np.float64],
    rect: tuple[int, int, int, int],
    width: int,
    height: int,
) -> tuple[tuple[int, int], list[tuple[int, int]]]:
    """The size of the region of a frame that shows the mouth's rectangle, and where it is in each frame."""
    x, y, w, h = rect
    corners = np.array([[cx, cy] for cx in (x, x + w) for cy in (y, y + h)]) - reference
    there = heads.centres[:, None] + np.einsum("nij,kj->nki", back, corners)
    low, high = there.min(axis=1), there.max(axis=1)
    most = np.ceil((high - low).max(axis=0) / 2).astype(int) * 2 + 2
    size = min(int(most[0]), width), min(int(most[1]), height)
    middles = (low + high) / 2
    first = np.clip(np.rint((middles - np.array(size) / 2) / 2) * 2, 0, np.array([width, height]) - size)
    return size, [(int(cx), int(cy)) for cx, cy in first // 2 * 2]
