"""Puts people who have no background before something; mattes and films are loaded once per process."""

from __future__ import annotations

from avatars.errors import BundleInvalid
from avatars.manifest import Manifest, PartName
from avatars.store import AvatarStore
from streaming.compositor.atlas_compositor import AtlasCompositor
from streaming.compositor.behind import Film, Plain, load_film
from streaming.compositor.cache import SharedCache
from streaming.compositor.colours import colour
from streaming.compositor.layered import BackedCompositor, TransparentCompositor
from streaming.compositor.loop_compositor import LoopCompositor
from streaming.compositor.matte import (
    LoopMatte,
    LoopMattes,
    StillMatte,
    WarpedMatte,
    load_matte,
    load_mattes,
)
from streaming.errors import BackgroundRejected

Person = AtlasCompositor | LoopCompositor


class Backdrops:
    """Safe to use from several threads.

    Args:
        store: where avatars are.
        kept_bytes: what stays in memory when no session shows it, of each kind.
    """

    def __init__(self, store: AvatarStore, kept_bytes: int) -> None:
        self._store = store
        self._stills: SharedCache[StillMatte] = SharedCache(kept_bytes, lambda matte: matte.plane.nbytes)
        self._loops: SharedCache[LoopMattes] = SharedCache(kept_bytes, lambda mattes: mattes.frames.nbytes)
        self._films: SharedCache[Film] = SharedCache(kept_bytes, lambda film: film.frames.nbytes)

    def still(self, manifest: Manifest) -> StillMatte | None:
        """The matte of a photo's person; ``None`` where the background belongs to the picture.

        Raises:
            BundleInvalid: it is missing, damaged, or does not fit the avatar.
        """
        if manifest.background == "own":
            return None
        key = _key(manifest, "alpha.png")
        path = self._store.get(manifest.id).path / "alpha.png"
        return self._stills.get(key, lambda: load_matte(path, manifest))

    def before(self, person: Person, manifest: Manifest, background: str | None) -> Person | BackedCompositor:
        """The person before what the avatar, or the caller, wants.

        Args:
            person: draws the person of this avatar.
            manifest: of the avatar.
            background: a colour, for people who have no background.

        Raises:
            BundleInvalid: a matte or a film is missing, damaged, or does not fit the avatar.
        """
        if manifest.background == "own":
            return person
        matte = self._matte(person, manifest)
        if manifest.background == "video":
            return BackedCompositor(person, matte, self._film(manifest))
        behind = Plain(colour(background))
        if background is None:
            return TransparentCompositor(person, matte, behind)
        return BackedCompositor(person, matte, behind)

    def _matte(self, person: Person, manifest: Manifest) -> WarpedMatte | LoopMatte:
        if isinstance(person, AtlasCompositor):
            still = self.still(manifest)
            assert still is not None
            return WarpedMatte(still, person.warp)
        key = _key(manifest, "alpha.mp4")
        path = self._store.get(manifest.id).path / "alpha.mp4"
        return LoopMatte(self._loops.get(key, lambda: load_mattes(path, manifest)), person)

    def _film(self, manifest: Manifest) -> Film:
        key = _key(manifest, "backdrop.mp4")
        path = self._store.get(manifest.id).path / "backdrop.mp4"
        return self._films.get(key, lambda: load_film(path, manifest))


def check_background(manifest: Manifest, background: str | None) -> None:
    """Refuse a colour that cannot be shown.

    Raises:
        BackgroundRejected: it is no colour, or the avatar has a background.
    """
    if background is None:
        return
    colour(background)
    if manifest.background != "transparent":
        raise BackgroundRejected(
            f"The avatar '{manifest.id}' has a background of its own. Leave the colour out, or choose an "
            "avatar that was made with a transparent background."
        )


def _key(manifest: Manifest, part: PartName) -> tuple[str, str]:
    if part not in manifest.parts:
        raise BundleInvalid(
            f"The avatar '{manifest.id}' has no {part}, which its background needs. Create it again."
        )
    # By contents: an avatar that is made again under the same id is loaded again.
    return manifest.id, manifest.parts[part].sha256
