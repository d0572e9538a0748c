"""Lids and gaze: one picture per pair, chosen, never blended."""

from __future__ import annotations

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

    def paint(self, closure: float, gaze: int, target: Planes) -> None:
        """Draw the lids nearest to ``closure`` and gaze number ``gaze`` into the eyes' rectangle.

        Nothing is written when these are the eyes that the last call drew.
        """
        lid = min(range(len(self._assets.lids)), key=lambda k: abs(self._assets.lids[k] - closure))
        if (lid, gaze) != self._shown:
            target.put(unpack(self._assets.eyes[lid, gaze], *self._size))
            self._shown = (lid, gaze)
