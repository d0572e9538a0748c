"""Reading and writing ``atlas.npz``.

An ordinary npz without objects. Mouth and eye pictures are kept as the difference from the still (modulo
256): most of it is 0, which makes the file about a third of the size, without loss. A file may come from a
stranger, see :mod:`avatars.npz`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatars.atlas import LANDMARKS, Image, MouthAtlas, crop, validate
from avatars.manifest import MAX_SIDE, PART_LIMITS
from avatars.npz import F4, I4, U1, Field, NpzFormat

_LEVELS = 32
_NODES = 129
_SIDE = MAX_SIDE
_FIELDS: dict[str, Field] = {
    "still": (U1, (_SIDE, _SIDE, 3)),
    "mouth_rect": (I4, (4,)),
    "apertures": (F4, (_LEVELS,)),
    "widths": (F4, (_LEVELS,)),
    "mouths": (U1, (_LEVELS, _LEVELS, _SIDE, _SIDE, 3)),
    "press_levels": (F4, (_LEVELS,)),
    "press_widths": (F4, (_LEVELS,)),
    "press": (U1, (_LEVELS, _LEVELS, _SIDE, _SIDE, 3)),
    "bite_levels": (F4, (_LEVELS,)),
    "bite_widths": (F4, (_LEVELS,)),
    "bite": (U1, (_LEVELS, _LEVELS, _SIDE, _SIDE, 3)),
    "tongue_levels": (F4, (_LEVELS,)),
    "tongue_aperture": (F4, (1,)),
    "tongue": (U1, (_LEVELS, _SIDE, _SIDE, 3)),
    "eye_rect": (I4, (4,)),
    "lids": (F4, (_LEVELS,)),
    "gazes": (F4, (_LEVELS, 2)),
    "eyes": (U1, (_LEVELS, _LEVELS, _SIDE, _SIDE, 3)),
    "motion": (F4, (_LEVELS, _NODES, _NODES, 2)),
    "landmarks": (F4, (LANDMARKS, 2)),
}
"""Type and largest shape of every field."""
_DIFFERENCES = {
    "mouths": "mouth_rect",
    "press": "mouth_rect",
    "bite": "mouth_rect",
    "tongue": "mouth_rect",
    "eyes": "eye_rect",
}
"""Fields kept as differences from the still, and where in the still."""
_FORMAT = NpzFormat("mouth atlas", 1, _FIELDS, PART_LIMITS["atlas.npz"], 192 << 20)


def save_atlas(path: Path, atlas: MouthAtlas) -> None:
    """Write an atlas; the file appears whole or not at all. Equal atlases give equal files.

    Raises:
        BundleInvalid: the atlas does not fit together.
    """
    validate(atlas)
    arrays: dict[str, NDArray[Any]] = {}
    for field in dataclasses.fields(MouthAtlas):
        value = getattr(atlas, field.name)
        if rect := _DIFFERENCES.get(field.name):
            value = value - crop(atlas.still, getattr(atlas, rect))
        arrays[field.name] = value
    _FORMAT.write(path, arrays)


def load_atlas(path: Path) -> MouthAtlas:
    """Read an atlas of any origin.

    Raises:
        BundleInvalid: the file is damaged, too large, of another version, or not an atlas.
        FileNotFoundError: there is no such file.
    """
    arrays = _FORMAT.read(path)
    still = arrays["still"]
    for name, rect_name in _DIFFERENCES.items():
        arrays[name] = _restore(name, arrays[name], still, arrays[rect_name])
    atlas = MouthAtlas(**arrays)
    validate(atlas)
    return atlas


def _restore(name: str, difference: Image, still: Image, rect: NDArray[np.int32]) -> Image:
    where = crop(still, rect)
    if where.shape != difference.shape[-3:] or (rect < 0).any():
        raise _FORMAT.invalid(f"{name} does not fit its rectangle")
    difference += where
    return difference
