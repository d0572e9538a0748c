"""Taking in an avatar that comes as one file from a stranger; see :mod:`avatars.archive`.

Nothing in the file decides where anything is written or how much: names are compared with those of the parts
that a bundle may have, sizes with the manifest's and the limits, and contents with their SHA-256, before the
store checks the whole as it checks every bundle.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from avatars.archive import CHUNK_BYTES, MAX_ARCHIVE_BYTES, NEEDED
from avatars.bundle import MAX_MANIFEST_BYTES, Bundle, parse_manifest
from avatars.errors import AvatarUnwritable, BundleInvalid
from avatars.folders import TEMPORARY_PREFIX
from avatars.manifest import MANIFEST_NAME, PART_LIMITS, Manifest, Part, PartName
from avatars.store import AvatarStore

MAX_DIRECTORY_BYTES = 16 << 10
"""The list of a handful of files; ``zipfile`` would hold one of any length in memory."""
MATTES: tuple[PartName, ...] = ("alpha.png", "alpha.mp4")

_END = struct.Struct("<4s4H2LH")
_END_MAGIC, _ZIP64_MAGIC = b"PK\x05\x06", b"PK\x06\x07"
_ZIP64_BYTES = 20
_ENCRYPTED = 0x1 | 0x40
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAGIC: dict[str, tuple[int, bytes]] = {
    "poster.webp": (8, b"WEBP"),
    "idle.mp4": (4, b"ftyp"),
    "alpha.mp4": (4, b"ftyp"),
    "alpha.png": (0, b"\x89PNG\r\n\x1a\n"),
    "backdrop.mp4": (4, b"ftyp"),
    "steps.webp": (8, b"WEBP"),
    "report.json": (0, b"{"),
    "faces.npz": (0, b"PK\x03\x04"),
}
"""Where in a part stands what tells its kind; the store opens the other parts."""
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What ``zipfile`` raises on a file that is none, or is encrypted."""


def import_archive(store: AvatarStore, file: BinaryIO, avatar: str | None = None) -> Bundle:
    """Add the avatar of a file to the store: all of it, or nothing.

    Args:
        store: where it goes.
        file: of any origin; must be able to seek.
        avatar: a new id for it; its own when not given.

    Raises:
        BundleInvalid: the file is not an avatar, or damaged, too large or unsafe; or the id is not valid.
        AvatarExists: the id is taken.
        AvatarUnwritable: the disk refuses.
    """
    with _readable():
        _check_ending(file)
        archive = zipfile.ZipFile(file)
    with archive:
        entries = _entries(archive)
        manifest = _manifest(archive, entries)
        # An id that cannot be had is told before the work, and again after it.
        store.writer(avatar or manifest.id)
        try:
            with _scratch(store.root) as scratch:
                # Errors call a bundle by its folder's name.
                folder = scratch / manifest.id
                folder.mkdir()
                for name, part in manifest.parts.items():
                    _unpack(archive, entries[name], part, folder / name)
                (folder / MANIFEST_NAME).write_bytes(_read(archive, entries[MANIFEST_NAME]))
                return store.add(folder, avatar)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise AvatarUnwritable(
                f"The avatar cannot be kept ({reason}). Let this program write to its data folder, and make "
                "room there."
            ) from error


@contextmanager
def _scratch(root: Path) -> Generator[Path]:
    """A hidden folder in the store; what a killed process leaves is removed with other leftovers."""
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _readable() -> Generator[None]:
    """Put around what only reads the file."""
    try:
        yield
    except _UNREADABLE as error:
        raise _invalid(f"it cannot be read ({str(error)[:100] or type(error).__name__})") from error


def _check_ending(file: BinaryIO) -> None:
    """Look at the end of a zip before ``zipfile`` believes it."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_ARCHIVE_BYTES:
        raise _invalid(f"it is larger than {MAX_ARCHIVE_BYTES >> 20} MB")
    if size < _END.size:
        raise _invalid("it is no zip")
    file.seek(max(0, size - _END.size - _ZIP64_BYTES))
    tail = file.read(_END.size + _ZIP64_BYTES)
    magic, disk, first, here, entries, length, start, comment = _END.unpack(tail[-_END.size :])
    if magic != _END_MAGIC or comment:
        raise _invalid("it is no zip, did not come whole, or has something behind its end")
    if tail[: -_END.size].startswith(_ZIP64_MAGIC) or disk or first or here != entries:
        raise _invalid("it is a zip of an unusual kind")
    if entries > len(PART_LIMITS) + 1 or length > MAX_DIRECTORY_BYTES:
        raise _invalid("it holds more files than an avatar has")
    if start + length != size - _END.size:
        raise _invalid("it has something before its beginning, or in between")


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files in it by name, none of which may be a surprise."""
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.orig_filename
        if name not in PART_LIMITS and name != MANIFEST_NAME:
            raise _invalid(f"it holds {name[:80]!r}, which is not a part of an avatar")
        if name in found:
            raise _invalid(f"it holds {name} twice")
        mode = info.external_attr >> 16
        if info.create_system == 3 and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise _invalid(f"{name} is not a plain file")
        if info.flag_bits & _ENCRYPTED:
            raise _invalid(f"{name} is encrypted")
        if info.compress_type not in _METHODS:
            raise _invalid(f"{name} is compressed in an unusual way")
        found[name] = info
    return found


def _manifest(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> Manifest:
    if MANIFEST_NAME not in entries:
        raise _invalid(f"it has no {MANIFEST_NAME}")
    manifest = parse_manifest(_read(archive, entries[MANIFEST_NAME]), "the file")
    if entries.keys() != {MANIFEST_NAME, *manifest.parts}:
        other = sorted(entries.keys() ^ {MANIFEST_NAME, *manifest.parts})[0]
        raise _invalid(f"{other} is missing, or {MANIFEST_NAME} does not tell of it")
    for name in NEEDED:
        if name not in manifest.parts:
            raise _invalid(f"it has no {name}")
    if manifest.background != "own" and manifest.parts.keys().isdisjoint(MATTES):
        raise _invalid("nothing tells where its person is, who has no background")
    if manifest.background == "video" and "backdrop.mp4" not in manifest.parts:
        raise _invalid("it has no backdrop.mp4")
    if any(unicodedata.category(c) == "Cc" and c not in "\t\r\n" for c in _said(manifest)):
        raise _invalid("its name or provenance has control characters, which terminals would obey")
    for name, part in manifest.parts.items():
        if part.bytes > PART_LIMITS[name]:
            raise _invalid(f"{name} is larger than {PART_LIMITS[name] >> 20} MB")
        if entries[name].file_size != part.bytes:
            raise _invalid(f"{name} does not have the size that {MANIFEST_NAME} tells")
    return manifest


def _said(manifest: Manifest) -> str:
    """All that it says in words."""
    made = manifest.provenance
    return " ".join((manifest.name, made.source, made.author, made.licence, made.consent, *made.tools))


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """All of a small entry."""
    with _readable(), archive.open(info) as source:
        data = source.read(MAX_MANIFEST_BYTES + 1)
    if len(data) > MAX_MANIFEST_BYTES:
        raise _invalid(f"{MANIFEST_NAME} is larger than {MAX_MANIFEST_BYTES >> 10} kB")
    return data


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, part: Part, target: Path) -> None:
    """Write one part; what is longer than it may be is not written."""
    digest, written, beginning = hashlib.sha256(), 0, b""
    with target.open("xb") as out:
        for chunk in _chunks(archive, info):
            written += len(chunk)
            if written > part.bytes:
                break
            beginning = beginning or chunk[:64]
            digest.update(chunk)
            out.write(chunk)
    if written != part.bytes or digest.hexdigest() != part.sha256:
        raise _invalid(f"{target.name} is not what {MANIFEST_NAME} tells of")
    place, magic = _MAGIC.get(target.name, (0, b""))
    if not beginning[place:].startswith(magic):
        raise _invalid(f"{target.name} is not of the kind that its name says")


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Generator[bytes]:
    with _readable():
        source = archive.open(info)
    with source:
        while True:
            with _readable():
                chunk = source.read(CHUNK_BYTES)
            if not chunk:
                return
            yield chunk


def _invalid(problem: str) -> BundleInvalid:
    return BundleInvalid(
        f"The file cannot be taken in as an avatar: {problem}. Get a whole copy, made by "
        "'lipstream avatar export' or GET /v1/avatars/{id}/bundle."
    )
