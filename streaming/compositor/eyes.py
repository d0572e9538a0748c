"""Lids and gaze: one picture per pair, and one in-between frame when the gaze moves."""

from __future__ import annotations

import cv2
import numpy as np

from streaming.compositor.assets import AtlasAssets
from streaming.compositor.planes import Planes, unpack


class EyePainter:
    """Draws the eyes of one avatar.

    Args:
        assets: the avatar's shared pictures.
    """

    def __init__(self, assets: AtlasAssets) -> None:
        self._assets = assets
        self._size = assets.eye_rect[2:]
        self._shown: tuple[int, int] | None = None
        self._gaze = 0
        self._between = np.empty((1, assets.eyes.shape[-1]), np.uint8)

    def paint(self, closure: float, gaze: int, target: Planes) -> None:
        """Draw the lids nearest to ``closure`` and gaze number ``gaze`` into the eyes' rectangle.

        A saccade takes about 40 ms: the frame in which the gaze changes shows both directions half and half,
        as a camera's shutter would. Nothing is written when these are the eyes that the last call drew.
        """
        eyes = self._assets.eyes
        lid = min(range(len(self._assets.lids)), key=lambda k: abs(self._assets.lids[k] - closure))
        moved, self._gaze = gaze != self._gaze, gaze
        before = self._shown
        if moved and before is not None and before[0] == lid:
            cv2.addWeighted(eyes[lid, before[1], None], 0.5, eyes[lid, gaze, None], 0.5, 0, dst=self._between)
            target.put(unpack(self._between[0], *self._size))
            self._shown = None
        elif (lid, gaze) != before:
            target.put(unpack(eyes[lid, gaze], *self._size))
            self._shown = (lid, gaze)
