"""How a drawn mouth comes and goes: it fades, so that neither speech nor silence begins with a jump."""

from __future__ import annotations

import numpy as np
import structlog

from streaming.compositor.planes import Planes, packed_size, unpack
from streaming.slots import FacePixels, Patch

log = structlog.get_logger(__name__)

FADE_FRAMES = 4
"""Frames from the frame's own mouth to the drawn one, and back."""


class DrawnMouth:
    """Follows the patches of one session.

    Args:
        size: width and height of its patches; ``None`` when the avatar cannot show any.
        frames: of the avatar's loop.
    """

    def __init__(self, size: tuple[int, int] | None, frames: int) -> None:
        self._size = size
        self._frames = frames
        self._index: int | None = None
        self._shown: Planes | None = None
        self._weight = 0.0
        self._complained = False

    def follow(self, index: int, patch: Patch | None) -> tuple[Planes | None, float]:
        """The patch to draw in slot ``index``, and how much of it shows (0..1); ``None`` for none.

        While it fades out that is the last one that was drawn. Slots that were skipped have had their time.
        """
        slots = 1 if self._index is None else max(1, index - self._index)
        self._index = index
        pixels = self._check(patch) if isinstance(patch, FacePixels) and patch.pixels else None
        step = slots / FADE_FRAMES
        if pixels is not None:
            self._shown = pixels
            self._weight = min(1.0, self._weight + step)
        else:
            self._weight = max(0.0, self._weight - step)
            if self._weight == 0:
                self._shown = None
        return self._shown, self._weight

    def _check(self, patch: FacePixels) -> Planes | None:
        """The planes of a patch, or ``None`` when it does not fit the avatar: speech goes on without it."""
        if self._size is None:
            return self._complain("the avatar has no place for it")
        wanted = packed_size(*self._size)
        if len(patch.pixels) != wanted:
            return self._complain(f"{len(patch.pixels)} bytes instead of {wanted}")
        if not 0 <= patch.frame < self._frames:
            return self._complain(f"frame {patch.frame} of {self._frames}")
        return unpack(np.frombuffer(patch.pixels, np.uint8), *self._size)

    def _complain(self, reason: str) -> None:
        if not self._complained:
            self._complained = True
            log.warning("a drawn mouth cannot be shown", reason=reason)
