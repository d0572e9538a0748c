"""What an avatar has for MuseTalk: where the face is in each frame, and what the network is given.

The face crop is the rectangle around the face that is scaled to ``CROP`` x ``CROP`` pixels, whatever its own
sides are: the network sees it, and draws it again with another mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CROP = 256
"""Side of the square that the face crop is scaled to, in pixels."""
LATENT_CHANNELS, LATENT_SIDE = 8, 32
"""Of the picture without its lower half, and of the whole picture, four channels each."""
MASK_SIDE = 128
"""Masks are smooth, so half the resolution of the face crop is enough for them."""


@dataclass(frozen=True, slots=True, eq=False)
class MuseTalkPart:
    """Everything about N frames, read-only. Frame ``i`` belongs to frame ``i`` of the avatar's loop.

    Attributes:
        latents: (N, 8, 32, 32) float16, scaled as the network wants them: masked picture, then the whole.
        boxes: (N, 4) float32 left, top, right, bottom of the face crop in pixels of the frame; fractions.
        masks: (N, MASK_SIDE, MASK_SIDE) uint8 how much of the drawn face crop shows, 255 for all of it.
        patch_rect: (4,) int32 x, y, width, height in pixels of the scaled face crop, all even: the masks of
            all frames are 0 outside of it, so nothing else has to be drawn.
        fingerprint: hash of what the part was made from, and how; another one means that it is outdated.
    """

    latents: NDArray[np.float16]
    boxes: NDArray[np.float32]
    masks: NDArray[np.uint8]
    patch_rect: NDArray[np.int32]
    fingerprint: str

    @property
    def frames(self) -> int:
        """Frames that it holds."""
        return len(self.latents)


def mirrored(position: int, frames: int) -> int:
    """The frame at a place of the loop that is played forwards, backwards, and so on.

    Neither end is shown twice in a row: 0, 1, 2, 1, 0, 1, ... for three frames.
    """
    if frames == 1:
        return 0
    place = position % (2 * frames - 2)
    return place if place < frames else 2 * frames - 2 - place
