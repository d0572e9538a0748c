"""All there is to see of an avatar in one picture: its steps, its mouths and eyes, what engines draw."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from avatars.bundle import Bundle
from avatars.errors import BundleInvalid
from avatars.store import AvatarStore
from precompute.alpha import alpha_tiles, read_alpha
from precompute.part_tiles import musetalk_tiles
from precompute.sheet import COLUMNS, TILE, contact_sheet, tiled

Image = NDArray[np.uint8]

MAX_STEPS_SIDE = 8192
"""Pixels; a sheet of steps that claims more is not this program's."""
BEHIND = 244


def avatar_sheet(store: AvatarStore, bundle: Bundle) -> Image | None:
    """The sheet of an avatar, (H, W, 3) BGR; ``None`` where there is nothing to show yet.

    Raises:
        BundleInvalid: a part of it is damaged.
    """
    parts = bundle.manifest.parts
    extra = musetalk_tiles(store, bundle)
    alpha: NDArray[np.float32] | None = None
    if "alpha.png" in parts and "atlas.npz" in parts:
        still = bundle.atlas().still
        extra = [*alpha_tiles(bundle.part("alpha.png"), still), *extra]
        if bundle.manifest.background != "own":
            grey = read_alpha(bundle.part("alpha.png"), still.shape[:2])
            alpha = np.asarray(grey / 255, np.float32)
    pictures: list[Image] = []
    if "steps.webp" in parts:
        pictures.append(_read_steps(bundle.part("steps.webp")))
    if "atlas.npz" in parts:
        pictures.append(contact_sheet(bundle.atlas(), extra, alpha))
    elif extra:
        pictures.append(tiled(extra))
    if not pictures:
        return None
    return np.asarray(np.vstack([_as_wide(picture, COLUMNS * TILE) for picture in pictures]), np.uint8)


def _read_steps(path: Path) -> Image:
    """The sheet of steps; its size is judged before any pixel is decoded."""
    try:
        with Pillow.open(path, formats=["WEBP"]) as picture:
            if max(picture.size) <= MAX_STEPS_SIDE:
                return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[..., ::-1])
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise BundleInvalid("steps.webp is damaged. Create the avatar again.") from error
    raise BundleInvalid("steps.webp is far too large. Create the avatar again.")


def _as_wide(picture: Image, width: int) -> Image:
    """A picture shrunk to a width, or with paper at its right."""
    if picture.shape[1] > width:
        size = width, round(picture.shape[0] * width / picture.shape[1])
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    missing = width - picture.shape[1]
    paper = (BEHIND,) * 3
    return np.asarray(
        cv2.copyMakeBorder(picture, 0, 0, 0, missing, cv2.BORDER_CONSTANT, value=paper), np.uint8
    )
