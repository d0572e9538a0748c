"""Pictures of what an avatar has for engines besides the mouth atlas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatars.bundle import Bundle
from avatars.errors import BundleInvalid
from avatars.musetalk import MuseTalkPart, source_part
from avatars.store import AvatarStore
from precompute.musetalk.frames import loop_frames
from precompute.musetalk.sheet import part_tiles
from precompute.sheet import tiled

Image = NDArray[np.uint8]

SHOWN_FRAMES = 4
"""Rows of a sheet that are spent on the frames of a loop."""
MUSETALK = "musetalk"


def musetalk_tiles(store: AvatarStore, bundle: Bundle) -> list[Image]:
    """Tiles for a sheet, (TILE, TILE, 3) each; none where an avatar has nothing sound for MuseTalk."""
    try:
        found = store.find_musetalk(bundle.id)
    except BundleInvalid:
        return []
    if found is None:
        return []
    part: MuseTalkPart = found.part
    if source_part(bundle.manifest) == "atlas.npz":
        return part_tiles(bundle.atlas().still, part)
    shown = set(np.linspace(0, part.frames - 1, SHOWN_FRAMES).astype(int).tolist())
    frames = enumerate(loop_frames(bundle).read())
    return [tile for index, frame in frames if index in shown for tile in part_tiles(frame, part, index)]


def part_sheet(store: AvatarStore, avatar: str, engine: str) -> Image | None:
    """A sheet of what an engine draws of an avatar; ``None`` where there is nothing to show.

    Raises:
        AvatarError: the avatar is missing or damaged.
    """
    tiles = musetalk_tiles(store, store.get(avatar)) if engine == MUSETALK else []
    return tiled(tiles) if tiles else None
