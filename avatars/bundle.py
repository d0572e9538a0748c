"""Writing and opening a bundle: a folder that holds one avatar.

A bundle may come from a stranger. Nothing in it is trusted before its name, size and SHA-256 agree with
``avatar.json``, and no file outside the folder is ever opened.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

from avatars.atlas import MouthAtlas
from avatars.atlas_file import load_atlas
from avatars.digest import digest_of
from avatars.errors import AvatarExists, BundleInvalid
from avatars.folders import TEMPORARY_PREFIX
from avatars.heads import MovingHeads
from avatars.heads_file import load_heads
from avatars.manifest import MANIFEST_NAME, PART_LIMITS, AvatarDetails, Manifest, Part, PartName
from avatars.musetalk import MuseTalkPart, frames_of
from avatars.musetalk_file import load_musetalk

MAX_MANIFEST_BYTES = 64 << 10
LOOKS = 16
"""How often an avatar is read anew when it changes while it is read."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An avatar whose files have been checked.

    Attributes:
        path: its folder.
        manifest: what ``avatar.json`` says.
        builtin: whether it ships with the program.
    """

    path: Path
    manifest: Manifest
    builtin: bool = False

    @property
    def id(self) -> str:
        """The avatar's id."""
        return self.manifest.id

    def part(self, name: PartName) -> Path:
        """The file of a part.

        Raises:
            BundleInvalid: the avatar has no such part.
        """
        if name not in self.manifest.parts:
            raise BundleInvalid(f"The avatar '{self.id}' has no {name}. Create it again to add this part.")
        return self.path / name

    def atlas(self) -> MouthAtlas:
        """Read the mouth atlas.

        Raises:
            BundleInvalid: there is none, or it is damaged.
        """
        path = self.part("atlas.npz")
        try:
            return load_atlas(path)
        except FileNotFoundError as error:
            raise self._deleted() from error

    def heads(self) -> tuple[MouthAtlas, MovingHeads]:
        """Read the mouth atlas of a video's avatar, and where its mouths go.

        Raises:
            BundleInvalid: one of them is missing or damaged, or they do not fit together.
        """
        atlas, path, manifest = self.atlas(), self.part("heads.npz"), self.manifest
        if atlas.still.shape[:2] != (manifest.height, manifest.width):
            raise BundleInvalid(
                f"The mouth atlas of '{self.id}' is not of its loop's size. Get a whole copy."
            )
        try:
            return atlas, load_heads(path, atlas, manifest.frames)
        except FileNotFoundError as error:
            raise self._deleted() from error

    def musetalk(self) -> MuseTalkPart:
        """Read the part for MuseTalk that lies in the bundle, outdated or not.

        Raises:
            BundleInvalid: there is none, or it is damaged.
        """
        path, manifest = self.part("musetalk.safetensors"), self.manifest
        try:
            return load_musetalk(path, manifest.width, manifest.height, frames_of(manifest))
        except FileNotFoundError as error:
            raise self._deleted() from error

    def _deleted(self) -> BundleInvalid:
        return BundleInvalid(f"The avatar '{self.id}' was deleted meanwhile. Choose another.")


class BundleWriter:
    """Collects the parts of a new bundle in a hidden folder; ``commit`` makes it appear at once.

    Use as a context manager: leaving without ``commit`` removes everything.

    Args:
        root: the folder that will hold the bundle's folder; made when absent.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder: Path | None = None

    def __enter__(self) -> BundleWriter:
        self._root.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=self._root))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def path(self, name: PartName) -> Path:
        """Where to write a part."""
        if name not in PART_LIMITS:
            raise BundleInvalid(f"'{name}' is not a part of a bundle. Parts are: {', '.join(PART_LIMITS)}.")
        return self._open_folder / name

    def commit(self, details: AvatarDetails) -> Bundle:
        """Hash what was written, add ``avatar.json`` and move the folder to its place.

        Raises:
            AvatarExists: the place is taken.
            BundleInvalid: a part is missing for one of the engines, too large, or not a part.
        """
        folder = self._open_folder
        parts = {name: measure(folder / name) for name in sorted(os.listdir(folder)) if name != MANIFEST_NAME}
        manifest = parse_manifest(details.model_dump() | {"parts": parts}, details.id)
        check_parts(folder, manifest)
        (folder / MANIFEST_NAME).write_text(manifest_text(manifest), encoding="utf-8")
        folder.chmod(0o755)
        place = self._root / manifest.id
        try:
            # Atomic; refused when the place holds a bundle already, whoever made it in the meantime.
            folder.rename(place)
        except OSError as error:
            if place.exists():
                raise taken(manifest.id) from error
            raise
        self._folder = None
        return Bundle(place, manifest)

    @property
    def _open_folder(self) -> Path:
        if self._folder is None:
            raise RuntimeError("a BundleWriter is used inside its with block, and committed once")
        return self._folder


def read_manifest(folder: Path) -> Manifest:
    """Read ``avatar.json`` and check that every part is there with its size; contents are not read.

    Raises:
        BundleInvalid: naming what is wrong.
    """
    return _settled(folder, lambda _: None)


def open_bundle(folder: Path, *, builtin: bool = False) -> Bundle:
    """Open a bundle and compare every part with its SHA-256.

    Raises:
        BundleInvalid: naming what is wrong.
    """

    def check_digests(manifest: Manifest) -> None:
        for name, part in manifest.parts.items():
            try:
                found = digest_of(folder / name)
            except FileNotFoundError as error:
                raise BundleInvalid(
                    f"The avatar '{folder.name}' is being deleted. Choose another."
                ) from error
            if found != part.sha256:
                raise BundleInvalid(
                    f"{name} of '{folder.name}' has changed since it was written. "
                    "Get a whole copy of the avatar."
                )

    return Bundle(folder, _settled(folder, check_digests), builtin)


def _settled(folder: Path, check: Callable[[Manifest], None]) -> Manifest:
    """Read and check a bundle; what does not fit is read anew if the bundle was replaced meanwhile."""
    manifest = _read(folder)
    for _ in range(LOOKS):
        try:
            check_parts(folder, manifest)
            check(manifest)
            return manifest
        except BundleInvalid:
            again = _read(folder)
            if again == manifest:
                raise
            manifest = again
    raise BundleInvalid(f"The avatar '{folder.name}' is being changed all the time. Try again later.")


def _read(folder: Path) -> Manifest:
    path = folder / MANIFEST_NAME
    size = _regular_size(path)
    if size > MAX_MANIFEST_BYTES:
        raise BundleInvalid(f"{MANIFEST_NAME} of '{folder.name}' is larger than {MAX_MANIFEST_BYTES} bytes.")
    try:
        return parse_manifest(path.read_bytes(), folder.name)
    except FileNotFoundError as error:
        raise BundleInvalid(f"The avatar '{folder.name}' is being deleted. Choose another.") from error


def manifest_text(manifest: Manifest) -> str:
    """What ``avatar.json`` holds."""
    return manifest.model_dump_json(indent=2) + "\n"


def parse_manifest(data: bytes | Mapping[str, object], name: str) -> Manifest:
    """The manifest of an avatar from its text or its values.

    Raises:
        BundleInvalid: it is not valid.
    """
    try:
        return (
            Manifest.model_validate_json(data) if isinstance(data, bytes) else Manifest.model_validate(data)
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise BundleInvalid(
            f"{MANIFEST_NAME} of '{name}' is not valid: {where}: {first['msg']}. "
            "Create the avatar again with this version."
        ) from error


def check_parts(folder: Path, manifest: Manifest) -> None:
    """Check that what a manifest tells of is there, with its size.

    Raises:
        BundleInvalid: naming what is wrong.
    """
    needed: dict[str, PartName] = {"atlas": "atlas.npz", "musetalk": "musetalk.safetensors"}
    for engine in manifest.engines:
        if needed[engine] not in manifest.parts:
            raise BundleInvalid(f"'{folder.name}' claims to work with {engine} but has no {needed[engine]}.")
    for name in ("atlas.npz", "idle.mp4"):
        if "heads.npz" in manifest.parts and name not in manifest.parts:
            raise BundleInvalid(f"'{folder.name}' has moving heads but no {name}. Get a whole copy.")
    for name, part in manifest.parts.items():
        size = _regular_size(folder / name)
        if size != part.bytes:
            raise BundleInvalid(
                f"{name} of '{folder.name}' has {size} bytes, not {part.bytes}. Get a whole copy."
            )
        if size > PART_LIMITS[name]:
            raise BundleInvalid(
                f"{name} of '{folder.name}' is larger than {PART_LIMITS[name] >> 20} MB. Shorten it."
            )


def _regular_size(path: Path) -> int:
    """Size of a plain file; links are refused, as they could lead anywhere."""
    try:
        status = path.lstat()
    except OSError as error:
        raise BundleInvalid(f"{path.name} of '{path.parent.name}' is missing. Get a whole copy.") from error
    if not stat.S_ISREG(status.st_mode):
        raise BundleInvalid(f"{path.name} of '{path.parent.name}' is not a plain file. Get a whole copy.")
    return status.st_size


def measure(path: Path) -> Part:
    """What a manifest says of a file.

    Raises:
        BundleInvalid: it is missing, empty, or not a plain file.
    """
    if _regular_size(path) == 0:
        raise BundleInvalid(f"{path.name} is empty.")
    return Part(sha256=digest_of(path), bytes=_regular_size(path))


def taken(avatar: str) -> AvatarExists:
    """The error that an id is in use."""
    return AvatarExists(
        f"An avatar with the id '{avatar}' exists already. Choose another id or delete that avatar first."
    )
