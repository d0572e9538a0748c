"""An avatar's pictures as the compositor needs them: made once per process, shared by all its sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatars.atlas import MouthAtlas
from streaming.compositor.planes import Plane, pack, pack_all
from streaming.compositor.warp import motion_nodes

EYE_OUTER_RIGHT, EYE_OUTER_LEFT = 33, 263
"""Outer eye corners in the face mesh."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Pictures along a strength, each at one or several widths.

    Attributes:
        levels: (K,) rising, > 0.
        widths: (P,) rising.
        pictures: (K, P, n) packed; or other numbers that go with them.
    """

    levels: tuple[float, ...]
    widths: tuple[float, ...]
    pictures: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class AtlasAssets:
    """Everything that sessions of one avatar share. All arrays are read-only.

    Attributes:
        width: frame width in pixels.
        height: frame height in pixels.
        still: packed picture of the whole avatar.
        mouth_rect: x, y, width, height.
        apertures: (A,) rising from 0.
        widths: (J,) rising.
        mouths: (A, J, n) packed.
        press: lips pressed.
        bite: lower lip under the teeth.
        tongue: tongue at the teeth, at width 0; no levels when there is none.
        tongue_aperture: the aperture that the tongue pictures start from.
        eye_rect: x, y, width, height.
        lids: (L,) closure, rising from 0 to 1.
        gazes: directions, the first straight ahead.
        eyes: (L, G, n) packed.
        motion: (M, rows, columns, 2) fields on the nodes of :class:`streaming.compositor.warp.Warp`.
        eye_span: distance between the outer eye corners in pixels: the scale of the head's motion.
    """

    width: int
    height: int
    still: Plane
    mouth_rect: tuple[int, int, int, int]
    apertures: tuple[float, ...]
    widths: tuple[float, ...]
    mouths: Plane
    press: Series
    bite: Series
    tongue: Series
    tongue_aperture: float
    eye_rect: tuple[int, int, int, int]
    lids: tuple[float, ...]
    gazes: tuple[tuple[float, float], ...]
    eyes: Plane
    motion: NDArray[np.float32]
    eye_span: float


def load_assets(atlas: MouthAtlas) -> AtlasAssets:
    """Convert a checked atlas to planes. About 0.1 s for 100 pictures."""
    height, width = atlas.still.shape[:2]
    x, y, w, h = (int(n) for n in atlas.mouth_rect)
    eye_rect = _rect(atlas.eye_rect)
    # Both rectangles hold the still at their borders; where they meet (a tilted head), the eyes win.
    covered = _rows_covered((x, y, w, h), eye_rect)
    mouth_rect, cut = (x, y + covered, w, h - covered), np.s_[..., covered:, :, :]
    still = pack(atlas.still)
    motion = motion_nodes(atlas.motion, width, height)
    still.flags.writeable = motion.flags.writeable = False
    return AtlasAssets(
        width=width,
        height=height,
        still=still,
        mouth_rect=mouth_rect,
        apertures=_floats(atlas.apertures),
        widths=_floats(atlas.widths),
        mouths=pack_all(atlas.mouths[cut]),
        press=Series(_floats(atlas.press_levels), _floats(atlas.press_widths), pack_all(atlas.press[cut])),
        bite=Series(_floats(atlas.bite_levels), _floats(atlas.bite_widths), pack_all(atlas.bite[cut])),
        tongue=Series(_floats(atlas.tongue_levels), (0.0,), pack_all(atlas.tongue[:, None][cut])),
        tongue_aperture=float(atlas.tongue_aperture[0]),
        eye_rect=eye_rect,
        lids=_floats(atlas.lids),
        gazes=tuple((float(gx), float(gy)) for gx, gy in atlas.gazes),
        eyes=pack_all(atlas.eyes),
        motion=motion,
        eye_span=float(np.linalg.norm(atlas.landmarks[EYE_OUTER_LEFT] - atlas.landmarks[EYE_OUTER_RIGHT])),
    )


def _rows_covered(mouth: tuple[int, int, int, int], eyes: tuple[int, int, int, int]) -> int:
    """How many upper rows of the mouth's rectangle the eyes' rectangle covers; even, never all of them."""
    mx, my, mw, mh = mouth
    ex, ey, ew, eh = eyes
    apart = ex + ew <= mx or mx + mw <= ex or ey + eh <= my or my + mh <= ey
    return 0 if apart else min(ey + eh - my, mh - 2)


def _rect(rect: NDArray[np.int32]) -> tuple[int, int, int, int]:
    x, y, w, h = (int(n) for n in rect)
    return x, y, w, h


def _floats(values: NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
