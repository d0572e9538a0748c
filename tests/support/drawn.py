"""Made-up drawn faces: a part for MuseTalk, patches that fit it, and the plain arithmetic of the blend."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avatars.musetalk import CROP, MASK_SIDE, MuseTalkPart
from streaming.compositor.planes import packed_size
from streaming.slots import FacePixels
from tests.support.musetalk_part import small_part

PATCH = (16, 104, 224, 152)
"""x, y, width, height of the patch in the scaled face crop."""


NUMBER = small_part().number
"""Of all parts that are made here."""


def soft_mask() -> NDArray[np.uint8]:
    """A smooth blob in the lower half of the crop, 0 beyond the patch."""
    y, x = np.mgrid[0:MASK_SIDE, 0:MASK_SIDE]
    away = np.hypot((x - 63.5) / 50, (y - 92) / 32)
    return np.rint(255 * np.clip((1 - away) * 4, 0, 1)).astype(np.uint8)


def part_with(boxes: NDArray[np.floating]) -> MuseTalkPart:
    """A part for frames with these boxes (N, 4)."""
    masks = np.repeat(soft_mask()[None], len(boxes), axis=0)
    boxes = np.asarray(boxes, np.float32)
    return small_part(len(boxes), boxes=boxes, masks=masks, patch_rect=np.array(PATCH, np.int32))


def flat_patch(luma: int, frame: int = 0, chroma: tuple[int, int] = (128, 128), **changes) -> FacePixels:
    """A patch of one colour for one of these parts."""
    n = PATCH[2] * PATCH[3]
    pixels = bytes([luma]) * n + bytes([chroma[0]]) * (n // 4) + bytes([chroma[1]]) * (n // 4)
    assert len(pixels) == packed_size(*PATCH[2:])
    return FacePixels(frame, pixels, **({"part": NUMBER} | changes))


def plain_blend(
    frame: Sequence[NDArray],
    patch: Sequence[NDArray],
    box: Sequence[float],
    mask: NDArray[np.uint8],
    weight: float = 1.0,
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """The blend in floats, pixel by pixel of the whole frame; and the alpha of luma (0..1)."""
    left, top, right, bottom = box
    height, width = frame[0].shape
    across, along = CROP / (right - left), CROP / (bottom - top)
    # Where the centre of each pixel lies in the scaled face crop.
    u, v = (np.arange(width) + 0.5 - left) * across, (np.arange(height) + 0.5 - top) * along
    half = MASK_SIDE / CROP
    padded = np.pad(mask.astype(np.float64) / 255, 1)
    alpha = weight * bilinear(padded, u * half - 0.5 + 1, v * half - 0.5 + 1)
    quarter = (alpha[::2, ::2] + alpha[1::2, ::2] + alpha[::2, 1::2] + alpha[1::2, 1::2]) / 4
    uc = (np.arange(width // 2) * 2 + 1 - left) * across
    vc = (np.arange(height // 2) * 2 + 1 - top) * along
    luma = bilinear(patch[0], u - PATCH[0] - 0.5, v - PATCH[1] - 0.5)
    chroma = [bilinear(p, (uc - PATCH[0]) / 2 - 0.5, (vc - PATCH[1]) / 2 - 0.5) for p in patch[1:]]
    drawn, shares = [luma, *chroma], [alpha, quarter, quarter]
    return [d * a + f * (1 - a) for d, a, f in zip(drawn, shares, frame, strict=True)], alpha


def bilinear(picture: NDArray, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Read a picture at all columns ``x`` and rows ``y``; beyond its border it goes on as it ends."""
    rows, columns = _weights(y, picture.shape[0]), _weights(x, picture.shape[1])
    return rows @ picture.astype(np.float64) @ columns.T


def _weights(where: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    where = np.clip(where, 0, size - 1)
    low = np.minimum(np.floor(where).astype(int), max(0, size - 2))
    weights = np.zeros((len(where), size))
    weights[np.arange(len(where)), low] = 1 - (where - low)
    weights[np.arange(len(where)), np.minimum(low + 1, size - 1)] += where - low
    return weights
