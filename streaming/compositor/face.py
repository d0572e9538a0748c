"""Where drawn mouths go in the frames of an avatar: made once per process, shared by all its sessions."""

from __future__ import annotations

import threading

import numpy as np

from avatars.musetalk import MuseTalkPart
from streaming.compositor.place import Place, bounds_of, place_patch

KEPT_BYTES = 64 << 20
"""What the places of one avatar may hold; making one costs about as much as the blend itself."""


class FaceAssets:
    """Where patches go, frame by frame. Safe to use from several threads.

    Args:
        part: the avatar's; its latents are let go.
        width: of the frames in pixels.
        height: of the frames in pixels.
        kept_bytes: places are kept up to this size, and made again for every patch beyond it.

    Attributes:
        frames: how many there are.
        fingerprint: of the part.
        number: of the part.
        patch_size: width and height of a patch in pixels.
    """

    def __init__(self, part: MuseTalkPart, width: int, height: int, kept_bytes: int = KEPT_BYTES) -> None:
        x, y, w, h = (int(n) for n in part.patch_rect)
        self.frames = part.frames
        self.fingerprint = part.fingerprint
        self.number = part.number
        self.patch_size = (w, h)
        self._patch_rect = (x, y, w, h)
        self._frame_size = (width, height)
        # Copies, so that nothing keeps the latents in memory.
        self._masks = np.array(part.masks)
        self._boxes = [tuple(box) for box in part.boxes.tolist()]
        self._bounds = bounds_of(self._masks)
        self._lock = threading.Lock()
        self._kept: dict[int, Place | None] = {}
        self._left = self._most = kept_bytes

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return self._masks.nbytes + self._most - self._left

    def place(self, frame: int) -> Place | None:
        """Where the patch of a frame goes; ``None`` when nothing of it would show."""
        if frame in self._kept:
            return self._kept[frame]
        bounds = self._bounds[frame]
        made = place_patch(self._boxes[frame], self._masks[frame], bounds, self._patch_rect, self._frame_size)
        size = 0 if made is None else made.alpha.nbytes
        with self._lock:
            # The loop comes by all frames in turn, so letting go of the oldest would serve nobody.
            if frame not in self._kept and size <= self._left:
                self._kept[frame] = made
                self._left -= size
        return made
