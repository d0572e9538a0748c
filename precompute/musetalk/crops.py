"""Face crops as the network sees them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from avatars.musetalk import CROP

Image = NDArray[np.uint8]


def face_crop(frame: Image, box: NDArray[np.floating], side: int = CROP) -> Image:
    """Cut a box out of a frame and scale it, to fractions of a pixel and without aliasing.

    Args:
        frame: (H, W, 3).
        box: (4,) left, top, right, bottom inside the frame; pixel i covers i to i + 1.
        side: of the result in pixels; the proportions of the box are not kept.

    Returns:
        (side, side, 3), channels in the order of the frame.
    """
    left, top, right, bottom = (float(n) for n in box)
    # Cut first: the whole frame would be copied else.
    x, y = max(0, int(left) - _REACH), max(0, int(top) - _REACH)
    near = np.ascontiguousarray(frame[y : int(bottom) + 1 + _REACH, x : int(right) + 1 + _REACH])
    part = (left - x, top - y, min(right - x, near.shape[1]), min(bottom - y, near.shape[0]))
    picture = Pillow.fromarray(near).resize((side, side), Pillow.Resampling.LANCZOS, box=part)
    return np.asarray(picture, np.uint8)


_REACH = 4
"""Pixels beyond the box that are cut out with it, so that its edges are where they are said to be."""


def square_crop(frame: Image, square: NDArray[np.floating], side: int) -> Image:
    """Cut a square that may reach outside of the frame, whose rim is continued there.

    Args:
        frame: (H, W, 3).
        square: (3,) left, top and side in pixels.
        side: of the result in pixels.
    """
    left, top, length = (float(n) for n in square)
    scale = side / length
    source = frame
    if scale < 0.5:
        # Shrunk by areas first, as the warp below looks at four pixels only.
        source = np.asarray(
            cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    fx, fy = source.shape[1] / frame.shape[1], source.shape[0] / frame.shape[0]
    to_frame = np.array(
        [
            [fx / scale, 0, (left + 0.5 / scale) * fx - 0.5],
            [0, fy / scale, (top + 0.5 / scale) * fy - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(source, to_frame, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
