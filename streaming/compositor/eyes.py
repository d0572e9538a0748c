"""Draws lids and gaze: pictures of the atlas, blended where the eyes are between two of them."""

from __future__ import annotations

from bisect import bisect_right

import cv2
import numpy as np

from streaming.compositor.assets import AtlasAssets
from streaming.compositor.planes import Plane, Planes, unpack

STEPS = 12
"""Blends come in this many steps: finer ones are not seen, and equal eyes need not be drawn again."""
LID_EDGE = 0.18
"""Between two lid pictures, the nearer one is shown alone for this share of the way on either side: blended
lashes are double, which only a moving lid can hide."""
NARROW = 0.55
"""Lids beyond this show too little of the eye for blends of directions."""


class EyePainter:
    """Draws the eyes of one avatar. Holds scratch buffers: one per session.

    Args:
        assets: the avatar's shared pictures.
    """

    def __init__(self, assets: AtlasAssets) -> None:
        self._assets = assets
        self._size = assets.eye_rect[2:]
        self._left, self._right = _towards(assets.gazes, 0, -1), _towards(assets.gazes, 0, 1)
        self._up, self._down = _towards(assets.gazes, 1, -1), _towards(assets.gazes, 1, 1)
        self._shown: tuple[int, int, int, int, int, int] | None = None
        self._buffers = [np.empty((1, assets.eyes.shape[-1]), np.uint8) for _ in range(3)]

    def paint(self, closure: float, gaze: tuple[float, float], target: Planes) -> None:
        """Draw lids closed by ``closure`` and eyes that look to ``gaze`` into the eyes' rectangle.

        Directions that the atlas has no picture for are left out. Nothing is written when these are the eyes
        that the last call drew.
        """
        lid, more = self._lid(closure)
        x, y = gaze
        across = (self._left if x < 0 else self._right) or 0
        along = (self._up if y < 0 else self._down) or 0
        right = round(STEPS * min(abs(x), 1.0)) if across else 0
        down = round(STEPS * min(abs(y), 1.0)) if along else 0
        if right + down > STEPS:
            # Diagonal: no further than the pictures, which share what there is.
            right = round(STEPS * right / (right + down))
            down = STEPS - right
        wanted = (lid, more, across if right else 0, right, along if down else 0, down)
        if wanted == self._shown:
            return
        picture = self._look(lid, across, right, along, down)
        if more:
            nearest = across if right > STEPS / 2 else along if down > STEPS / 2 else 0
            picture = self._blend(picture, self._assets.eyes[lid + 1, nearest], more / STEPS, 2)
        target.put(unpack(picture, *self._size))
        self._shown = wanted

    def _lid(self, closure: float) -> tuple[int, int]:
        """The lid picture below ``closure``, and how many steps it is on the way to the next."""
        lids = self._assets.lids
        lid = min(max(bisect_right(lids, closure) - 1, 0), len(lids) - 2)
        part = (closure - lids[lid]) / (lids[lid + 1] - lids[lid])
        more = round(STEPS * min(max((part - LID_EDGE) / (1 - 2 * LID_EDGE), 0.0), 1.0))
        return (lid + 1, 0) if more == STEPS else (lid, more)

    def _look(self, lid: int, across: int, right: int, along: int, down: int) -> Plane:
        """The eyes at one lid, looking ``right`` and ``down`` steps towards those pictures."""
        eyes = self._assets.eyes[lid]
        if self._assets.lids[lid] > NARROW:
            return eyes[across if right > STEPS / 2 else along if down > STEPS / 2 else 0]
        picture = eyes[0]
        if right:
            # The third picture will take its share of these two.
            picture = self._blend(picture, eyes[across], right / (STEPS - down), 0)
        return self._blend(picture, eyes[along], down / STEPS, 1) if down else picture

    def _blend(self, one: Plane, other: Plane, part: float, buffer: int) -> Plane:
        if part == 1:
            return other
        mixed = self._buffers[buffer]
        cv2.addWeighted(one[None], 1 - part, other[None], part, 0, dst=mixed)
        return mixed[0]


def _towards(gazes: tuple[tuple[float, float], ...], axis: int, sign: int) -> int | None:
    """The picture that looks straight to one side, or ``None`` when there is none."""
    best = max(range(len(gazes)), key=lambda k: sign * gazes[k][axis] - abs(gazes[k][1 - axis]))
    return best if sign * gazes[best][axis] > abs(gazes[best][1 - axis]) else None
