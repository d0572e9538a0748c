"""Pictures of an avatar's part for MuseTalk, to judge it at a glance."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.musetalk import CROP, MuseTalkPart
from precompute.musetalk.crops import face_crop
from precompute.sheet import SHOWN_SPAN, TILE, label

Image = NDArray[np.uint8]

GREEN, BLUE = (80, 220, 80), (255, 160, 60)
TINT = np.array([180, 60, 255], np.float32)
"""What is drawn over the part of the face that MuseTalk draws."""
TINT_SHARE = 0.6


def part_tiles(picture: Image, part: MuseTalkPart, frame: int = 0) -> list[Image]:
    """Four tiles of one frame: where the face crop lies, the crop, its mask, and what is drawn.

    Args:
        picture: (H, W, 3) BGR, the frame.
        part: the part of the avatar.
        frame: its number.

    Returns:
        (TILE, TILE, 3) each.
    """
    box, mask = part.boxes[frame], part.masks[frame]
    place = np.round(box).astype(int)
    whole = picture.copy()
    cv2.rectangle(whole, place[:2].tolist(), place[2:].tolist(), GREEN, 2)

    crop = face_crop(picture, box)
    cover = _large(mask, CROP)[..., None] / np.float32(255) * TINT_SHARE
    tinted = (crop * (1 - cover) + TINT * cover + 0.5).astype(np.uint8)
    x, y, w, h = (int(n) for n in part.patch_rect)
    for shown in (crop := crop.copy(), tinted):
        cv2.rectangle(shown, (x, y), (x + w - 1, y + h - 1), BLUE, 1)
    grey = np.repeat(_large(mask, TILE)[..., None], 3, axis=2)
    return [
        label(_around(whole, box), f"frame {frame}"),
        label(_large(crop, TILE), f"patch {w} x {h}"),
        label(np.ascontiguousarray(grey), f"mask {part.mask_mode}"),
        label(_large(tinted, TILE), "drawn"),
    ]


def _around(picture: Image, box: NDArray[np.floating]) -> Image:
    """A square piece of the frame around the face crop."""
    half = float((box[2:] - box[:2]).max()) * SHOWN_SPAN / 2
    centre = (box[:2] + box[2:]) / 2
    x0, y0 = np.clip((centre - half).astype(int), 0, None)
    x1, y1 = (centre + half).astype(int)
    return _large(picture[y0:y1, x0:x1], TILE)


def _large(picture: Image, side: int) -> Image:
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
