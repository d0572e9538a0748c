"""Reading and writing npz files without objects.

A file may come from a stranger. Every member's name, type, shape and claimed size is checked before its
contents are unpacked, so neither pickled objects nor a zip bomb get anywhere.
"""

from __future__ import annotations

import io
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from avatars.errors import BundleInvalid

U1, F2, F4, I4 = np.dtype("u1"), np.dtype("<f2"), np.dtype("<f4"), np.dtype("<i4")
FORMAT_FIELD = "format"
MAX_HEADER_BYTES = 1024

Field = tuple[np.dtype[Any], tuple[int, ...]]
"""Type and largest shape of an array."""

_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_HEADER = re.compile(
    rb"\{'descr': '([|<]\w{2})', 'fortran_order': False, 'shape': \((\d{1,9},(?: \d{1,9},?){0,5}|)\), \} *\n"
)
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What ``zipfile`` raises on a file that is none, or is encrypted."""


@dataclass(frozen=True, slots=True)
class NpzFormat:
    """A kind of file: which arrays it has.

    Attributes:
        what: the part, for people.
        number: counts its ways of being written; kept in the file.
        fields: type and largest shape of every array.
        max_file_bytes: of the file.
        max_unpacked_bytes: of all arrays.
    """

    what: str
    number: int
    fields: Mapping[str, Field]
    max_file_bytes: int
    max_unpacked_bytes: int

    def write(self, path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write a file; it appears whole or not at all. Equal arrays give equal files."""
        members = {FORMAT_FIELD: np.array([self.number], I4)}
        members |= {name: np.ascontiguousarray(arrays[name], kind) for name, (kind, _) in self.fields.items()}
        temporary = path.with_name(path.name + ".part")
        try:
            with temporary.open("wb") as file:
                # Keyword arguments named after the fields; numpy dates the members 1980, so bytes repeat.
                np.savez_compressed(file, allow_pickle=False, **members)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def read(self, path: Path) -> dict[str, NDArray[Any]]:
        """Read a file of any origin.

        Raises:
            BundleInvalid: the file is damaged, too large, of another version, or of another kind.
            FileNotFoundError: there is no such file.
        """
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > self.max_file_bytes:
                raise self.invalid(f"it is larger than {self.max_file_bytes >> 20} MB")
            try:
                with zipfile.ZipFile(file) as archive:
                    return self._read_members(archive)
            except _UNREADABLE as error:
                raise self.invalid(f"it cannot be read: {error}") from error

    def invalid(self, problem: str) -> BundleInvalid:
        """The error for a file with a problem."""
        return BundleInvalid(
            f"The {self.what} cannot be used: {problem}. Create the avatar again or get a whole copy."
        )

    def _read_members(self, archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
        members = archive.infolist()
        names = sorted(member.filename for member in members)
        if names != sorted(f"{name}.npy" for name in (*self.fields, FORMAT_FIELD)):
            raise self.invalid(f"its list of fields is not that of a {self.what}")
        if sum(member.file_size for member in members) > self.max_unpacked_bytes:
            raise self.invalid(f"it unpacks to more than {self.max_unpacked_bytes >> 20} MB")
        found = self._read_member(archive, FORMAT_FIELD, (I4, (1,)))
        if found.tolist() != [self.number]:
            raise self.invalid(f"its format is {found.tolist()}, this program reads {self.number}")
        return {name: self._read_member(archive, name, field) for name, field in self.fields.items()}

    def _read_member(self, archive: zipfile.ZipFile, name: str, field: Field) -> NDArray[Any]:
        member = archive.getinfo(f"{name}.npy")
        with archive.open(member) as file:
            return self._read_array(file, name, field, member.file_size)

    def _read_array(self, file: IO[bytes], name: str, field: Field, member_bytes: int) -> NDArray[Any]:
        """Read one .npy member; ``numpy.load`` would allocate what the header claims before looking at it."""
        kind, largest = field
        found, shape = self._read_header(file, name)
        if found != kind.str:
            raise self.invalid(f"{name} holds {found}, not {kind.str}")
        if len(shape) != len(largest) or any(n > most for n, most in zip(shape, largest, strict=True)):
            raise self.invalid(f"{name} has the shape {shape}; at most {largest} is allowed")
        size = math.prod(shape) * kind.itemsize
        if not size < member_bytes <= size + MAX_HEADER_BYTES:
            raise self.invalid(f"{name} does not have the size that it claims")
        data = bytearray(size)
        buffer = io.BufferedReader(file)  # pyright: ignore[reportArgumentType]
        if buffer.readinto(data) != size or buffer.read(1):
            raise self.invalid(f"{name} ends too early or too late")
        return np.frombuffer(data, kind).reshape(shape)

    def _read_header(self, file: IO[bytes], name: str) -> tuple[str, tuple[int, ...]]:
        """Type and shape of a .npy member in C order, format 1.0; nothing else is parsed."""
        start = file.read(len(_NPY_MAGIC) + 2)
        length = int.from_bytes(start[len(_NPY_MAGIC) :], "little")
        if not start.startswith(_NPY_MAGIC) or length > MAX_HEADER_BYTES - len(start):
            raise self.invalid(f"{name} is not in npy format 1.0")
        header = _NPY_HEADER.fullmatch(file.read(length))
        if header is None:
            raise self.invalid(f"{name} has a header of another kind")
        return header[1].decode(), tuple(int(n) for n in header[2].split(b",") if n.strip())
