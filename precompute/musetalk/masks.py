"""How much of the drawn face shows, and where: the masks of MuseTalk v1.5 in the space of the face crop.

Everything is made in the square around the face that upstream parses, at ``PARSE_SIDE`` pixels.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from avatars.musetalk import CROP, MASK_SIDE, MaskMode
from precompute.curves import smoothstep
from precompute.musetalk.parsing import PARSE_SIDE, Region, Regions

FAINT = 3
"""Below it a mask changes a pixel by less than a level, unless the drawn picture is quite another."""
EXPANSION = 1.5
"""Side of the square in longer sides of the face box."""
CONE_UP, CONE_DOWN, CONE_ASIDE = 16, 6, 10
"""How far skin grows, in pixels of the square: the kernel of 33 x 33 is a cone that stands on a tail."""
CHEEK_ERODER = (35, 3)
"""Width and height of the ellipse that cheeks shrink by, twice."""
CHEEK_DISTANCE = 90
"""Columns further from the middle are cheeks."""
BLUR = 51
"""Side of the Gaussian kernel: a tenth of the square, odd."""
RIM = 4
"""Cells of the mask along the rim of the face crop over which it falls to nothing. Upstream has none of it:
where skin reaches the rim, the drawn picture ends in a visible line."""


def square_around(box: NDArray[np.floating]) -> NDArray[np.float64]:
    """The square that a face is parsed in: (3,) left, top and side in pixels; it may leave the frame."""
    box = np.asarray(box, np.float64)
    side = float((box[2:] - box[:2]).max()) * EXPANSION
    return np.array([*((box[:2] + box[2:]) / 2 - side / 2), side])


def face_mask(regions: Regions, box: NDArray[np.floating], mode: MaskMode) -> NDArray[np.uint8]:
    """The mask of one face.

    Args:
        regions: of the square around the box.
        box: (4,) left, top, right, bottom of the face crop in pixels of the frame.
        mode: which regions show.

    Returns:
        (MASK_SIDE, MASK_SIDE), 255 where the drawn face covers all; the face crop's corners are its own.
    """
    square = square_around(box)
    scale = PARSE_SIDE / square[2]
    left, top, right, bottom = (np.asarray(box, np.float64) - [*square[:2], *square[:2]]) * scale
    shown = _shown(regions, mode).astype(np.float32)
    # Only inside of the face crop, and in the lower half of the square.
    shown *= _cover(left, right)[None, :] * _cover(max(top, PARSE_SIDE / 2), bottom)[:, None]
    soft = cv2.GaussianBlur(shown, (BLUR, BLUR), 0, borderType=cv2.BORDER_CONSTANT)
    small = Pillow.fromarray(np.asarray(soft, np.float32)).resize(
        (MASK_SIDE, MASK_SIDE), Pillow.Resampling.BILINEAR, box=(left, top, right, bottom)
    )
    return np.clip(np.asarray(small) * _fading() * 255 + 0.5, 0, 255).astype(np.uint8)


def drop_faint(masks: NDArray[np.uint8]) -> None:
    """Let the faint end of a mask's edge be nothing, in place: rows that only it uses need not be drawn."""
    masks[masks < FAINT] = 0


def patch_rect(masks: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The tightest even rectangle of the face crop that holds all masks.

    A rim of one cell is added: between two cells a mask is interpolated.

    Args:
        masks: (N, MASK_SIDE, MASK_SIDE).

    Returns:
        (4,) x, y, width, height in pixels of the face crop; all of it when every mask is empty.
    """
    most = masks.max(axis=0)
    rows, columns = np.flatnonzero(most.max(axis=1)), np.flatnonzero(most.max(axis=0))
    if not len(rows):
        return np.array([0, 0, CROP, CROP], np.int32)
    cell = CROP // MASK_SIDE
    low = np.maximum(np.array([columns[0], rows[0]]) - 1, 0)
    high = np.minimum(np.array([columns[-1], rows[-1]]) + 2, MASK_SIDE)
    return np.concatenate([low, high - low]).astype(np.int32) * cell


def _shown(regions: Regions, mode: MaskMode) -> Region:
    if mode == "raw":
        return regions.skin | regions.mouth
    if mode == "neck":
        return regions.skin | regions.mouth | regions.neck
    grown = cv2.dilate(regions.skin.astype(np.uint8), _cone())
    eroder = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, CHEEK_ERODER)
    narrow = cv2.erode(grown, eroder, iterations=2)
    cheek = np.abs(np.arange(PARSE_SIDE) - PARSE_SIDE // 2) > CHEEK_DISTANCE
    face = np.where(cheek[None, :], narrow, grown).astype(bool)
    return (face & ~regions.nose) | regions.mouth


@cache
def _cone() -> NDArray[np.uint8]:
    """Set where a pixel takes skin from: mostly from below, so that skin grows upwards and a bit aside."""
    reach = max(CONE_UP, CONE_DOWN, CONE_ASIDE)
    below, aside = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inside = (below >= -CONE_DOWN) & (below <= CONE_UP)
    return (inside & (np.abs(aside) <= np.minimum(below + CONE_DOWN, CONE_ASIDE))).astype(np.uint8)


@cache
def _fading() -> NDArray[np.float32]:
    """(MASK_SIDE, MASK_SIDE) 0 along the rim, 1 inside."""
    cells = np.arange(MASK_SIDE)
    ramp = smoothstep(0, RIM, np.minimum(cells, MASK_SIDE - 1 - cells))
    return np.minimum(ramp[:, None], ramp[None, :]).astype(np.float32)


def _cover(low: float, high: float) -> NDArray[np.float32]:
    """How much of each of ``PARSE_SIDE`` cells lies between two places."""
    cells = np.arange(PARSE_SIDE)
    return np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0, 1).astype(np.float32)
