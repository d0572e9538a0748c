"""An avatar as one file, to hand on: the files of its bundle in a zip, stored as they are.

Its parts are compressed already. What is only stored has the same bytes wherever it is written, and a length
that is known before the first of them is read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import zipfile
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from avatars.bundle import MAX_MANIFEST_BYTES, manifest_text, measure, parse_manifest
from avatars.errors import AvatarNotFound, AvatarUnwritable, BundleInvalid
from avatars.manifest import MANIFEST_NAME, PART_LIMITS, Manifest, PartName
from avatars.store import AvatarStore

SUFFIX = ".lipstream"
MEDIA_TYPE = "application/vnd.lipstream+zip"
MAX_ARCHIVE_BYTES = sum(PART_LIMITS.values()) + MAX_MANIFEST_BYTES + (64 << 10)
"""A file with every part as large as it may be, and what a zip puts around them."""
NEEDED: tuple[PartName, ...] = ("poster.webp", "idle.mp4")
"""What the list of avatars shows; an avatar without them cannot be handed on."""
CHUNK_BYTES = 1 << 20

_YEAR_OF_ZIP = (1980, 1, 1, 0, 0, 0)
_ENTRY_BYTES, _END_BYTES = 30 + 16 + 46, 22
"""Around the contents of each entry (local header, data descriptor, directory), and at the end of a zip."""


@dataclass(frozen=True, slots=True)
class Export:
    """An avatar that may be handed on. Equal avatars give equal bytes.

    Attributes:
        manifest: what it will say about itself.
        files: where its parts lie.
    """

    manifest: Manifest
    files: dict[PartName, Path]

    @property
    def filename(self) -> str:
        """A name for the file."""
        return f"{self.manifest.id}{SUFFIX}"

    @property
    def digest(self) -> str:
        """Stands for the bytes of the file: the SHA-256 of the manifest, which has those of all parts."""
        return hashlib.sha256(self._about()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        entries = {MANIFEST_NAME: len(self._about())}
        entries |= {name: part.bytes for name, part in self.manifest.parts.items()}
        return _END_BYTES + sum(_ENTRY_BYTES + 2 * len(name) + size for name, size in entries.items())

    def chunks(self) -> Generator[bytes]:
        """The file, piece by piece. All parts are opened first: the avatar may be deleted meanwhile.

        Raises:
            AvatarNotFound: the avatar was deleted before.
            BundleInvalid: a part is not what the manifest says.
        """
        sink = _Sink()
        with ExitStack() as stack:
            parts: list[tuple[PartName, BinaryIO]] = [
                (name, stack.enter_context(self._open(name))) for name in sorted(self.files)
            ]
            with zipfile.ZipFile(sink, "w") as archive:
                about = self._about()
                with archive.open(_entry(MANIFEST_NAME, len(about)), "w") as entry:
                    entry.write(about)
                for name, file in parts:
                    part, digest = self.manifest.parts[name], hashlib.sha256()
                    with archive.open(_entry(name, part.bytes), "w") as entry:
                        for chunk in iter(lambda file=file: file.read(CHUNK_BYTES), b""):
                            digest.update(chunk)
                            entry.write(chunk)
                            yield sink.taken()
                    if digest.hexdigest() != part.sha256:
                        raise _changed(self.manifest, name)
        yield sink.taken()

    def _about(self) -> bytes:
        return manifest_text(self.manifest).encode()

    def _open(self, name: PartName) -> BinaryIO:
        try:
            file = self.files[name].open("rb")
        except FileNotFoundError as error:
            raise AvatarNotFound(f"The avatar '{self.manifest.id}' was deleted meanwhile.") from error
        if os.fstat(file.fileno()).st_size != self.manifest.parts[name].bytes:
            file.close()
            raise _changed(self.manifest, name)
        return file


def export_avatar(store: AvatarStore, avatar: str) -> Export:
    """Prepare an avatar for being handed on, after checking all of it.

    What was built for MuseTalk goes along, also where it lies beside an avatar that ships with the program.

    Raises:
        AvatarNotFound: there is none with this id.
        BundleInvalid: it is damaged, or lacks what every avatar has.
    """
    bundle = store.get(avatar)
    manifest = bundle.manifest
    for needed in NEEDED:
        bundle.part(needed)
    files: dict[PartName, Path] = {name: bundle.path / name for name in manifest.parts}
    beside = _part_beside(store, manifest) if bundle.builtin else None
    if beside is not None:
        files["musetalk.safetensors"] = beside
        parts = dict(manifest.parts) | {"musetalk.safetensors": measure(beside)}
        engines = tuple(dict.fromkeys((*manifest.engines, "musetalk")))
        manifest = parse_manifest(manifest.model_dump() | {"engines": engines, "parts": parts}, manifest.id)
    # In one order, whichever the parts were made in.
    ordered = {name: manifest.parts[name] for name in sorted(manifest.parts)}
    return Export(manifest.model_copy(update={"parts": ordered}), files)


def write_archive(export: Export, path: Path) -> None:
    """Write the file; it appears whole or not at all, in place of one that may be there.

    Raises:
        AvatarNotFound: the avatar was deleted meanwhile.
        BundleInvalid: it was changed meanwhile.
        AvatarUnwritable: the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with temporary.open("xb") as file:
                for chunk in export.chunks():
                    file.write(chunk)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise AvatarUnwritable(f"{path} cannot be written ({reason}). Choose another place.") from error


class _Sink:
    """What ``zipfile`` writes to: it cannot go back, so that every byte may be sent at once."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting)


def _entry(name: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _YEAR_OF_ZIP)
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.file_size = size
    return info


def _part_beside(store: AvatarStore, manifest: Manifest) -> Path | None:
    """Where the part for MuseTalk of an avatar of the program lies, if it could be used."""
    try:
        found = store.find_musetalk(manifest.id)
    except BundleInvalid:
        return None
    return found.path if found is not None and found.current else None


def _changed(manifest: Manifest, name: str) -> BundleInvalid:
    return BundleInvalid(f"{name} of '{manifest.id}' was changed meanwhile. Try again.")
