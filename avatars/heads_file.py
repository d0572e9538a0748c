"""Reading and writing ``heads.npz``: an npz without objects, of any origin, see :mod:`avatars.npz`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from avatars.atlas import MouthAtlas
from avatars.heads import LIGHT_TERMS, TERMS, MovingHeads, validate
from avatars.manifest import MAX_FPS, MAX_LOOP_SECONDS, MAX_SIDE, PART_LIMITS
from avatars.npz import F2, F4, I4, U1, Field, NpzFormat

_LEVELS, _NODES = 32, 257
_FRAMES = MAX_FPS * MAX_LOOP_SECONDS
_FIELDS: dict[str, Field] = {
    "reference": (I4, (1,)),
    "centres": (F4, (_FRAMES, 2)),
    "maps": (F4, (_FRAMES, 2, TERMS)),
    "light": (F4, (_FRAMES, 3, LIGHT_TERMS)),
    "opened": (F4, (_FRAMES,)),
    "lips": (U1, (MAX_SIDE, MAX_SIDE)),
    # Half precision is a thousandth of what moves; what is drawn from it is no finer.
    "moves": (F2, (_LEVELS, _LEVELS, _NODES, _NODES, 2)),
    "press_moves": (F2, (_LEVELS, _LEVELS, _NODES, _NODES, 2)),
    "bite_moves": (F2, (_LEVELS, _LEVELS, _NODES, _NODES, 2)),
    "tongue_moves": (F2, (_LEVELS, _NODES, _NODES, 2)),
}
_FORMAT = NpzFormat("moving heads", 1, _FIELDS, PART_LIMITS["heads.npz"], 64 << 20)


def save_heads(path: Path, heads: MovingHeads, atlas: MouthAtlas) -> None:
    """Write moving heads; the file appears whole or not at all. Equal ones give equal files.

    Args:
        path: where to write.
        heads: of the avatar.
        atlas: of the same avatar.

    Raises:
        BundleInvalid: they do not fit together.
    """
    validate(heads, atlas, heads.frames)
    _FORMAT.write(path, {field.name: getattr(heads, field.name) for field in dataclasses.fields(heads)})


def load_heads(path: Path, atlas: MouthAtlas, frames: int) -> MovingHeads:
    """Read moving heads of any origin.

    Args:
        path: the file.
        atlas: of the same avatar.
        frames: of its loop.

    Raises:
        BundleInvalid: the file is damaged, too large, of another version, or not of this avatar.
        FileNotFoundError: there is no such file.
    """
    arrays = _FORMAT.read(path)
    for name, (kind, _) in _FIELDS.items():
        if kind == F2:
            arrays[name] = arrays[name].astype(np.float32)
    heads = MovingHeads(**arrays)
    validate(heads, atlas, frames)
    return heads
