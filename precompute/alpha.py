"""The matte of a portrait in an avatar's bundle: ``alpha.png``."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from avatars.errors import BundleInvalid
from precompute.sheet import TILE, label

Image = NDArray[np.uint8]


def write_alpha(path: Path, alpha: Image) -> None:
    """Write a (S, S) uint8 matte as a grey PNG."""
    encoded, data = cv2.imencode(".png", alpha, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not encoded:
        raise BundleInvalid("The matte cannot be written as a PNG. Report this with the photo.")
    path.write_bytes(data.tobytes())


def read_alpha(path: Path, shape: tuple[int, int]) -> Image:
    """Read a matte, (H, W) uint8; its size is judged before any pixel is decoded.

    Raises:
        BundleInvalid: it is damaged, or of another size.
    """
    try:
        with Pillow.open(path, formats=["PNG"]) as picture:
            if picture.size == shape[::-1] and picture.mode == "L":
                return np.asarray(picture)
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise BundleInvalid("alpha.png is damaged. Create the avatar again.") from error
    raise BundleInvalid("alpha.png does not fit the avatar. Create the avatar again.")


def alpha_tiles(path: Path, still: Image) -> list[Image]:
    """Two tiles of a sheet, (TILE, TILE, 3): the matte, and the person alone before black.

    Raises:
        BundleInvalid: the matte is damaged, or of another size.
    """
    alpha = read_alpha(path, still.shape[:2])
    alone = (still * (alpha[..., None] / 255)).astype(np.uint8)
    tiles = []
    for text, picture in (("matte", cv2.cvtColor(alpha, cv2.COLOR_GRAY2BGR)), ("person", alone)):
        tile = cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA)
        tiles.append(label(np.asarray(tile, np.uint8), text))
    return tiles
