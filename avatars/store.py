"""The avatars of this machine: those that ship with the program, and the user's own."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from avatars.bundle import Bundle, BundleWriter, open_bundle, read_manifest, taken
from avatars.errors import AvatarNotFound, AvatarReadOnly, AvatarUnwritable, BundleInvalid
from avatars.folders import discard, folders_of, hide, is_folder, remove_leftovers
from avatars.manifest import ID_PATTERN, MANIFEST_NAME, AvatarDetails, Manifest, Part, PartName
from avatars.musetalk import MuseTalkPart
from avatars.musetalk_store import FoundPart, MuseTalkParts

BUILTIN_ROOT = Path(__file__).parent / "builtin"
_ID = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class AvatarEntry:
    """One line of the list.

    Attributes:
        id: the avatar's id.
        manifest: what it says about itself; ``None`` when it is damaged.
        builtin: ships with the program.
        problem: what is wrong with a damaged one.
        engines: the face engines that it is ready for; no such that its part is outdated for.
    """

    id: str
    manifest: Manifest | None
    builtin: bool
    problem: str | None = None
    engines: tuple[str, ...] = ()


class AvatarStore:
    """Finds, adds and removes avatars. Safe to use from several threads and processes.

    Args:
        root: folder of the user's own avatars; made when the first is added.
        builtin_root: folder of those that ship with the program; never written to.
    """

    def __init__(self, root: Path, builtin_root: Path = BUILTIN_ROOT) -> None:
        self.root = root
        self.builtin_root = builtin_root
        self._musetalk = MuseTalkParts(root)

    def list(self) -> list[AvatarEntry]:
        """All avatars by id, built-in ones first. Damaged ones are listed with their problem."""
        # The folder of the built-in ones also holds their sources.
        shipped = [folder for folder in folders_of(self.builtin_root, _ID) if _is_bundle(folder)]
        names = {folder.name for folder in shipped}
        own = [folder for folder in folders_of(self.root, _ID) if folder.name not in names]
        return [self._entry(f, builtin=True) for f in shipped] + [self._entry(f, builtin=False) for f in own]

    def get(self, avatar: str) -> Bundle:
        """Open an avatar, with every part checked.

        Raises:
            AvatarNotFound: there is none with this id.
            BundleInvalid: it is damaged.
        """
        folder, builtin = self._find(avatar)
        bundle = open_bundle(folder, builtin=builtin)
        _check_name(folder, bundle.manifest)
        return bundle

    def manifest(self, avatar: str) -> Manifest:
        """What an avatar says about itself; quicker than ``get``, as the parts are not read.

        Raises:
            AvatarNotFound: there is none with this id.
            BundleInvalid: it is damaged.
        """
        folder, _ = self._find(avatar)
        manifest = read_manifest(folder)
        _check_name(folder, manifest)
        return manifest

    def part(self, avatar: str, name: PartName) -> tuple[Path, Part]:
        """A part's file and what the manifest says of it; quicker than ``get``, as no part is read.

        Raises:
            AvatarNotFound: there is none with this id.
            BundleInvalid: it is damaged, or has no such part.
        """
        folder, builtin = self._find(avatar)
        manifest = read_manifest(folder)
        _check_name(folder, manifest)
        return Bundle(folder, manifest, builtin).part(name), manifest.parts[name]

    def musetalk(self, avatar: str) -> MuseTalkPart:
        """The part of an avatar that MuseTalk uses.

        Raises:
            AvatarNotFound: there is no avatar with this id.
            AvatarNotReady: it has no such part, or an outdated one; the message says how to make it.
            BundleInvalid: the avatar is damaged.
        """
        return self._musetalk.ready(self.get(avatar))

    def musetalk_fingerprint(self, avatar: str) -> str | None:
        """The fingerprint of that part, or ``None`` when it could not be used; quicker, as no part is read.

        Raises:
            AvatarNotFound: there is no avatar with this id.
            BundleInvalid: the avatar is damaged.
        """
        folder, builtin = self._find(avatar)
        manifest = read_manifest(folder)
        _check_name(folder, manifest)
        return self._musetalk.fingerprint(manifest, folder, builtin=builtin)

    def find_musetalk(self, avatar: str) -> FoundPart | None:
        """The same part, outdated or not, and where it lies; ``None`` when there is none.

        Raises:
            AvatarNotFound: there is no avatar with this id.
            BundleInvalid: the avatar, or the part, is damaged.
        """
        return self._musetalk.find(self.get(avatar))

    def put_musetalk(self, avatar: str, part: MuseTalkPart) -> None:
        """Give an avatar its part for MuseTalk, in place of the one that it may have.

        It goes into the bundle. Avatars that ship with the program cannot be changed: theirs lies beside the
        user's own avatars. Whoever reads at that moment gets the old one or the new one.

        Raises:
            AvatarNotFound: there is no avatar with this id.
            AvatarUnwritable: the disk refuses.
            BundleInvalid: the part does not fit the avatar.
        """
        self._musetalk.put(self.get(avatar), part)

    def exists(self, avatar: str) -> bool:
        """Whether an avatar, damaged or not, has this id."""
        try:
            self._find(avatar)
        except AvatarNotFound:
            return False
        return True

    def ships(self, avatar: str) -> bool:
        """Whether an avatar with this id ships with the program."""
        return _ID.fullmatch(avatar) is not None and _is_bundle(self.builtin_root / avatar)

    def writer(self, avatar: str) -> BundleWriter:
        """Begin a new avatar of the user's.

        Raises:
            AvatarExists: the id is taken.
            BundleInvalid: the id is not a valid one.
        """
        if not _ID.fullmatch(avatar):
            raise BundleInvalid(
                f"'{avatar[:80]}' cannot be an avatar's id. Use a-z, 0-9, '_' and '-', at most 64 of them, "
                "starting with a letter or digit."
            )
        if self.exists(avatar):
            raise taken(avatar)
        return BundleWriter(self.root)

    def add(self, folder: Path, avatar: str | None = None) -> Bundle:
        """Copy a bundle from elsewhere into the store, after checking all of it.

        Args:
            folder: the bundle's folder.
            avatar: a new id for it; its own when not given.

        Raises:
            BundleInvalid: the bundle is damaged or unsafe.
            AvatarExists: the id is taken.
        """
        source = open_bundle(folder)
        if "heads.npz" in source.manifest.parts:
            source.heads()
        elif "atlas.npz" in source.manifest.parts:
            source.atlas()
        if "musetalk.safetensors" in source.manifest.parts:
            source.musetalk()
        new_id = avatar or source.id
        with self.writer(new_id) as writer:
            for name in source.manifest.parts:
                shutil.copyfile(folder / name, writer.path(name), follow_symlinks=False)
            details = source.manifest.model_dump(include=set(AvatarDetails.model_fields))
            return writer.commit(AvatarDetails.model_validate(details | {"id": new_id}))

    def delete(self, avatar: str) -> None:
        """Remove one of the user's avatars, damaged or not.

        Raises:
            AvatarNotFound: there is none with this id.
            AvatarReadOnly: it ships with the program.
            AvatarUnwritable: some of it is still on the disk.
        """
        folder, builtin = self._find(avatar)
        if builtin:
            raise AvatarReadOnly(f"The avatar '{avatar}' ships with the program and cannot be deleted.")
        try:
            discard(hide(folder))
        except FileNotFoundError as error:
            raise _missing(avatar) from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise AvatarUnwritable(
                f"The avatar '{avatar}', or some of its files, cannot be deleted ({reason}). Let this "
                "program write to its data folder."
            ) from error

    def remove_leftovers(self, before: float) -> int:
        """Remove what a killed process was writing or deleting, and outdated parts of built-in avatars.

        Args:
            before: Unix time; younger folders may be somebody's work and stay.

        Returns:
            How many folders were removed.
        """
        shipped = [entry.manifest for entry in self.list() if entry.builtin and entry.manifest]
        return remove_leftovers(self.root, before) + self._musetalk.remove_outdated(shipped)

    def _find(self, avatar: str) -> tuple[Path, bool]:
        if _ID.fullmatch(avatar):
            for root, builtin in ((self.builtin_root, True), (self.root, False)):
                folder = root / avatar
                if is_folder(folder) and (not builtin or _is_bundle(folder)):
                    return folder, builtin
        raise _missing(avatar)

    def _entry(self, folder: Path, *, builtin: bool) -> AvatarEntry:
        try:
            manifest = read_manifest(folder)
            _check_name(folder, manifest)
        except (BundleInvalid, OSError) as error:
            return AvatarEntry(folder.name, None, builtin, str(error))
        engines = self._musetalk.engines(manifest, folder, builtin=builtin)
        return AvatarEntry(manifest.id, manifest, builtin, engines=engines)


def _missing(avatar: str) -> AvatarNotFound:
    return AvatarNotFound(f"There is no avatar '{avatar[:80]}'. Choose one of the list of avatars.")


def _is_bundle(folder: Path) -> bool:
    return (folder / MANIFEST_NAME).is_file()


def _check_name(folder: Path, manifest: Manifest) -> None:
    if manifest.id != folder.name:
        raise BundleInvalid(
            f"The folder '{folder.name}' holds the avatar '{manifest.id}'. Rename the folder."
        )
