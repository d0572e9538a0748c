"""Reading and writing ``atlas.npz``.

An ordinary npz without objects. Mouth and eye pictures are kept as the difference from the still (modulo
256): most of it is 0, which makes the file about a third of the size, without loss.

A file may come from a stranger. Every member's name, type, shape and claimed size is checked before its
contents are unpacked, so neither pickled objects nor a zip bomb get anywhere.
"""

from __future__ import annotations

import dataclasses
import io
import math
import os
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from avatars.atlas import LANDMARKS, Image, MouthAtlas, crop, validate
from avatars.errors import BundleInvalid
from avatars.manifest import MAX_SIDE, PART_LIMITS

FORMAT = 1
MAX_FILE_BYTES = PART_LIMITS["atlas.npz"]
MAX_UNPACKED_BYTES = 192 << 20
MAX_HEADER_BYTES = 1024

_LEVELS = 32
_NODES = 129
_SIDE = MAX_SIDE
_U8, _F4, _I4 = np.dtype("u1"), np.dtype("<f4"), np.dtype("<i4")
_FIELDS: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
    "still": (_U8, (_SIDE, _SIDE, 3)),
    "mouth_rect": (_I4, (4,)),
    "apertures": (_F4, (_LEVELS,)),
    "widths": (_F4, (_LEVELS,)),
    "mouths": (_U8, (_LEVELS, _LEVELS, _SIDE, _SIDE, 3)),
    "press_levels": (_F4, (_LEVELS,)),
    "press_widths": (_F4, (_LEVELS,)),
    "press": (_U8, (_LEVELS, _LEVELS, _SIDE, _SIDE, 3)),
    "bite_levels": (_F4, (_LEVELS,)),
    "bite_widths": (_F4, (_LEVELS,)),
    "bite": (_U8, (_LEVELS, _LEVELS, _SIDE, _SIDE, 3)),
    "tongue_levels": (_F4, (_LEVELS,)),
    "tongue_aperture": (_F4, (1,)),
    "tongue": (_U8, (_LEVELS, _SIDE, _SIDE, 3)),
    "eye_rect": (_I4, (4,)),
    "lids": (_F4, (_LEVELS,)),
    "gazes": (_F4, (_LEVELS, 2)),
    "eyes": (_U8, (_LEVELS, _LEVELS, _SIDE, _SIDE, 3)),
    "motion": (_F4, (_LEVELS, _NODES, _NODES, 2)),
    "landmarks": (_F4, (LANDMARKS, 2)),
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
_FORMAT_FIELD = "format"
_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_HEADER = re.compile(
    rb"\{'descr': '([|<]\w{2})', 'fortran_order': False, 'shape': \((\d{1,9},(?: \d{1,9},?){0,5}|)\), \} *\n"
)
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What ``zipfile`` raises on a file that is none, or is encrypted."""


def save_atlas(path: Path, atlas: MouthAtlas) -> None:
    """Write an atlas; the file appears whole or not at all. Equal atlases give equal files.

    Raises:
        BundleInvalid: the atlas does not fit together.
    """
    validate(atlas)
    arrays: dict[str, NDArray[Any]] = {_FORMAT_FIELD: np.array([FORMAT], _I4)}
    for field in dataclasses.fields(MouthAtlas):
        value = getattr(atlas, field.name)
        if rect := _DIFFERENCES.get(field.name):
            value = value - crop(atlas.still, getattr(atlas, rect))
        arrays[field.name] = np.ascontiguousarray(value, _FIELDS[field.name][0])
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            # Keyword arguments named after the fields; numpy dates the members 1980, so bytes repeat.
            np.savez_compressed(file, allow_pickle=False, **arrays)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_atlas(path: Path) -> MouthAtlas:
    """Read an atlas of any origin.

    Raises:
        BundleInvalid: the file is damaged, too large, of another version, or not an atlas.
        FileNotFoundError: there is no such file.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
            raise _invalid(f"it is larger than {MAX_FILE_BYTES >> 20} MB")
        try:
            with zipfile.ZipFile(file) as archive:
                arrays = _read_members(archive)
        except _UNREADABLE as error:
            raise _invalid(f"it cannot be read: {error}") from error
    still = arrays["still"]
    for name, rect_name in _DIFFERENCES.items():
        arrays[name] = _restore(name, arrays[name], still, arrays[rect_name])
    atlas = MouthAtlas(**arrays)
    validate(atlas)
    return atlas


def _read_members(archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    members = archive.infolist()
    names = sorted(member.filename for member in members)
    if names != sorted(f"{name}.npy" for name in (*_FIELDS, _FORMAT_FIELD)):
        raise _invalid("its list of fields is not that of an atlas")
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise _invalid(f"it unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB")
    found = _read_member(archive, _FORMAT_FIELD, _I4, (1,))
    if found.tolist() != [FORMAT]:
        raise _invalid(f"its format is {found.tolist()}, this program reads {FORMAT}")
    return {name: _read_member(archive, name, *expected) for name, expected in _FIELDS.items()}


def _read_member(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], largest: tuple[int, ...]
) -> NDArray[Any]:
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as file:
        return _read_array(file, name, dtype, largest, member.file_size)


def _read_array(
    file: IO[bytes], name: str, dtype: np.dtype[Any], largest: tuple[int, ...], member_bytes: int
) -> NDArray[Any]:
    """Read one .npy member; ``numpy.load`` would allocate what the header claims before looking at it."""
    found, shape = _read_header(file, name)
    if found != dtype.str:
        raise _invalid(f"{name} holds {found}, not {dtype.str}")
    if len(shape) != len(largest) or any(n > most for n, most in zip(shape, largest, strict=True)):
        raise _invalid(f"{name} has the shape {shape}; at most {largest} is allowed")
    size = math.prod(shape) * dtype.itemsize
    if not size < member_bytes <= size + MAX_HEADER_BYTES:
        raise _invalid(f"{name} does not have the size that it claims")
    data = bytearray(size)
    buffer = io.BufferedReader(file)  # pyright: ignore[reportArgumentType]
    if buffer.readinto(data) != size or buffer.read(1):
        raise _invalid(f"{name} ends too early or too late")
    return np.frombuffer(data, dtype).reshape(shape)


def _read_header(file: IO[bytes], name: str) -> tuple[str, tuple[int, ...]]:
    """Type and shape of a .npy member in C order, format 1.0; nothing else is parsed."""
    start = file.read(len(_NPY_MAGIC) + 2)
    length = int.from_bytes(start[len(_NPY_MAGIC) :], "little")
    if not start.startswith(_NPY_MAGIC) or length > MAX_HEADER_BYTES - len(start):
        raise _invalid(f"{name} is not in npy format 1.0")
    header = _NPY_HEADER.fullmatch(file.read(length))
    if header is None:
        raise _invalid(f"{name} has a header of another kind")
    return header[1].decode(), tuple(int(n) for n in header[2].split(b",") if n.strip())


def _restore(name: str, difference: Image, still: Image, rect: NDArray[np.int32]) -> Image:
    where = crop(still, rect)
    if where.shape != difference.shape[-3:] or (rect < 0).any():
        raise _invalid(f"{name} does not fit its rectangle")
    difference += where
    return difference


def _invalid(problem: str) -> BundleInvalid:
    return BundleInvalid(
        f"The mouth atlas cannot be used: {problem}. Create the avatar again or get a whole copy."
    )
