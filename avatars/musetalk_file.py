"""Reading and writing ``musetalk.safetensors``.

A file may come from a stranger. The format has neither code nor compression; its size, its header, and every
array's name, type and shape are checked before an array is read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from avatars.errors import BundleInvalid
from avatars.manifest import PART_LIMITS
from avatars.musetalk import (
    LATENT_CHANNELS,
    LATENT_SIDE,
    MASK_SIDE,
    MaskMode,
    MuseTalkPart,
    validate,
)

FORMAT = 1
MAX_FILE_BYTES = PART_LIMITS["musetalk.safetensors"]
MAX_HEADER_BYTES = 4096

_LENGTH_BYTES = 8
_METADATA = "lipstream"
"""One entry of metadata: with several, equal parts would not give equal files."""
_FINGERPRINT = re.compile(r"[0-9a-f]{64}-[0-9a-f]{64}")
_FRAME_FIELDS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "latents": ("F16", (LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE)),
    "boxes": ("F32", (4,)),
    "masks": ("U8", (MASK_SIDE, MASK_SIDE)),
}
"""Type and shape of what every frame has."""
_RECT_FIELD = "patch_rect"
_BYTES_PER_FRAME = 2 * LATENT_CHANNELS * LATENT_SIDE**2 + 4 * 4 + MASK_SIDE**2
MAX_FRAMES = (MAX_FILE_BYTES - _LENGTH_BYTES - MAX_HEADER_BYTES) // _BYTES_PER_FRAME
"""What fits into the largest file: 4 or 5 minutes."""


def save_musetalk(path: Path, part: MuseTalkPart, width: int, height: int) -> None:
    """Write a part; the file appears whole or not at all. Equal parts give equal files.

    Args:
        path: where to write.
        part: all of its frames.
        width: of the avatar's frame in pixels.
        height: of the avatar's frame in pixels.

    Raises:
        BundleInvalid: the part does not fit together, or has more than ``MAX_FRAMES`` frames.
    """
    validate(part, width, height, part.frames)
    about = {"format": FORMAT, "fingerprint": part.fingerprint, "mask_mode": part.mask_mode}
    _check_about(about)
    if part.frames > MAX_FRAMES:
        raise _invalid(f"it has {part.frames} frames, and at most {MAX_FRAMES} fit")
    names = (*_FRAME_FIELDS, _RECT_FIELD)
    arrays: dict[str, NDArray[Any]] = {name: np.ascontiguousarray(getattr(part, name)) for name in names}
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_bytes(save(arrays, {_METADATA: json.dumps(about, sort_keys=True)}))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_musetalk(path: Path, width: int, height: int, frames: int) -> MuseTalkPart:
    """Read a part of any origin.

    Args:
        path: the file.
        width: of the avatar's frame in pixels.
        height: of the avatar's frame in pixels.
        frames: that it must have; see :func:`avatars.musetalk.frames_of`.

    Raises:
        BundleInvalid: the file is damaged, too large, of another version, or not of this avatar.
        FileNotFoundError: there is no such file.
    """
    about, arrays = _read(path, frames)
    part = MuseTalkPart(**arrays, fingerprint=about["fingerprint"], mask_mode=about["mask_mode"])
    validate(part, width, height, frames)
    return part


def read_fingerprint(path: Path) -> str:
    """The fingerprint alone; no array is read.

    Raises:
        BundleInvalid: the file is damaged, too large or of another version.
        FileNotFoundError: there is no such file.
    """
    return _read(path, None)[0]["fingerprint"]


def _read(path: Path, frames: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the file says of itself, and its arrays, unless ``frames`` is ``None``."""
    _check_header_size(path)
    try:
        with safe_open(path, framework="np") as file:
            about = _about(file.metadata() or {})
            if sorted(file.keys()) != sorted((*_FRAME_FIELDS, _RECT_FIELD)):
                raise _invalid("its list of arrays is another")
            if frames is None:
                return about, {}
            for name, (kind, shape) in _FRAME_FIELDS.items():
                _check_slice(name, file.get_slice(name), kind, (frames, *shape))
            _check_slice(_RECT_FIELD, file.get_slice(_RECT_FIELD), "I32", (4,))
            arrays = {name: file.get_tensor(name) for name in (*_FRAME_FIELDS, _RECT_FIELD)}
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, ValueError) as error:
        raise _invalid(f"it cannot be read: {error}") from error
    for array in arrays.values():
        array.flags.writeable = False
    return about, arrays


def _check_header_size(path: Path) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        header = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if size > MAX_FILE_BYTES:
        raise _invalid(f"it is larger than {MAX_FILE_BYTES >> 20} MB")
    if size < _LENGTH_BYTES or header > min(MAX_HEADER_BYTES, size - _LENGTH_BYTES):
        raise _invalid("its header is too long")


def _check_slice(name: str, found: Any, kind: str, shape: tuple[int, ...]) -> None:
    if found.get_dtype() != kind:
        raise _invalid(f"{name} holds {found.get_dtype()}, not {kind}")
    if tuple(found.get_shape()) != shape:
        raise _invalid(f"{name} has the shape {tuple(found.get_shape())}, not {shape}")


def _about(metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        about = json.loads(metadata.get(_METADATA, "null"))
    except (ValueError, RecursionError) as error:
        raise _invalid("its metadata cannot be read") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise _invalid(f"it is not of format {FORMAT}")
    _check_about(about)
    return about


def _check_about(about: Mapping[str, Any]) -> None:
    if not isinstance(mark := about.get("fingerprint"), str) or not _FINGERPRINT.fullmatch(mark):
        raise _invalid("its fingerprint is none")
    if about.get("mask_mode") not in get_args(MaskMode):
        raise _invalid("its masks are of an unknown kind")


def _invalid(problem: str) -> BundleInvalid:
    return BundleInvalid(
        f"The MuseTalk part cannot be used: {problem}. Build it again with `lipstream avatar rebuild`, or "
        "get a whole copy of the avatar."
    )
