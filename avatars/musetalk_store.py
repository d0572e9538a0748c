"""Where the parts for MuseTalk lie: in the user's bundles, and beside them for avatars that ship ready."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from avatars.bundle import Bundle
from avatars.errors import AvatarNotReady, AvatarUnwritable, BundleInvalid
from avatars.folders import TEMPORARY_PREFIX, is_folder
from avatars.manifest import Manifest, PartName
from avatars.musetalk import MuseTalkPart, frames_of, is_current, validate
from avatars.musetalk_file import load_musetalk, read_fingerprint, save_musetalk
from avatars.revision import revise

PARTS_FOLDER = ".parts"
"""In the folder of the user's avatars. No avatar's id begins with a dot, so it is never taken for one."""
_NAME: PartName = "musetalk.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class FoundPart:
    """A part that is there.

    Attributes:
        part: what it holds.
        current: whether it was built from the avatar as it is now, by this version.
        path: its file.
    """

    part: MuseTalkPart
    current: bool
    path: Path


class MuseTalkParts:
    """Finds, writes and removes them. Safe to use from several threads and processes.

    Args:
        root: folder of the user's own avatars; made when the first part is written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, bundle: Bundle) -> FoundPart | None:
        """The part of an avatar, outdated or not.

        Raises:
            BundleInvalid: it is damaged.
        """
        manifest = bundle.manifest
        if _NAME in manifest.parts:
            part, path = bundle.musetalk(), bundle.part(_NAME)
        else:
            path = self._beside(bundle.id)
            if not bundle.builtin or not _is_file(path):
                return None
            try:
                part = load_musetalk(path, manifest.width, manifest.height, frames_of(manifest))
            except FileNotFoundError:
                return None
        return FoundPart(part, is_current(part.fingerprint, manifest), path)

    def ready(self, bundle: Bundle) -> MuseTalkPart:
        """The part of an avatar as it can be used.

        Raises:
            AvatarNotReady: there is none, or it is outdated or damaged.
        """
        make = f"Make it: lipstream avatar rebuild {bundle.id}"
        try:
            found = self.find(bundle)
        except BundleInvalid as error:
            raise AvatarNotReady(f"The avatar '{bundle.id}': {error.message} {make} --force") from error
        if found is None:
            raise AvatarNotReady(f"The avatar '{bundle.id}' has no part for MuseTalk. {make}")
        if not found.current:
            raise AvatarNotReady(f"The avatar '{bundle.id}' has an outdated part for MuseTalk. {make}")
        return found.part

    def fingerprint(self, manifest: Manifest, folder: Path, *, builtin: bool) -> str | None:
        """The fingerprint of an avatar's part; ``None`` when it could not be used. No array is read."""
        path = folder / _NAME if _NAME in manifest.parts else self._beside(manifest.id)
        return _mark(path, manifest) if builtin or _NAME in manifest.parts else None

    def put(self, bundle: Bundle, part: MuseTalkPart) -> None:
        """Write the part of an avatar; whole or not at all.

        Raises:
            AvatarNotFound: the avatar was deleted meanwhile.
            AvatarUnwritable: the disk refuses.
            BundleInvalid: the part does not fit the avatar.
        """
        manifest = bundle.manifest
        validate(part, manifest.width, manifest.height, frames_of(manifest))
        write = partial(save_musetalk, part=part, width=manifest.width, height=manifest.height)
        if not bundle.builtin:
            revise(bundle.path, _NAME, write, "musetalk")
            return
        place = self._beside(bundle.id)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            hidden = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=self._root))
            try:
                write(hidden / _NAME)
                os.replace(hidden / _NAME, place)
            finally:
                shutil.rmtree(hidden, ignore_errors=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise AvatarUnwritable(
                f"The part for MuseTalk cannot be written into {place.parent} ({reason}). Let this program "
                "write to its data folder."
            ) from error

    def engines(self, manifest: Manifest, folder: Path, *, builtin: bool) -> tuple[str, ...]:
        """The face engines that an avatar is ready for; no array is read."""
        others = tuple(engine for engine in manifest.engines if engine != "musetalk")
        return (*others, "musetalk") if self.fingerprint(manifest, folder, builtin=builtin) else others

    def remove_outdated(self, shipped: Iterable[Manifest]) -> int:
        """Remove what lies beside the bundles and belongs to none of these avatars as they are now."""
        manifests = {manifest.id: manifest for manifest in shipped}
        folder = self._root / PARTS_FOLDER
        removed = 0
        for place in sorted(folder.iterdir()) if is_folder(folder) else ():
            manifest = manifests.get(place.name)
            # An empty one may be somebody's, who is about to write.
            empty = is_folder(place) and not any(place.iterdir())
            if is_folder(place) and not empty and not (manifest and _mark(place / _NAME, manifest)):
                shutil.rmtree(place, ignore_errors=True)
                removed += 1
        return removed

    def _beside(self, avatar: str) -> Path:
        return self._root / PARTS_FOLDER / avatar / _NAME


def _mark(path: Path, manifest: Manifest) -> str | None:
    """The fingerprint of a file that is a part of an avatar as it is now."""
    try:
        mark = read_fingerprint(path) if _is_file(path) else ""
    except (BundleInvalid, OSError):
        return None
    return mark if is_current(mark, manifest) else None


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
