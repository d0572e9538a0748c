"""Opens the compositor that suits an avatar; what its sessions share is loaded once per process."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import structlog

from avatars.errors import AvatarError
from avatars.manifest import Manifest
from avatars.musetalk import frames_of, is_current, source_part
from avatars.store import AvatarStore
from streaming.compositor.assets import AtlasAssets, load_assets
from streaming.compositor.atlas_compositor import AtlasCompositor, StillFace
from streaming.compositor.backdrops import Backdrops, check_background
from streaming.compositor.cache import SharedCache
from streaming.compositor.face import FaceAssets
from streaming.compositor.layered import BackedCompositor
from streaming.compositor.life import Life
from streaming.compositor.loop import LoopAssets, load_frames
from streaming.compositor.loop_compositor import LoopCompositor
from streaming.compositor.loop_mouth_assets import LoopMouthAssets, load_loop_mouths
from streaming.credits import Credits, credits_of

log = structlog.get_logger(__name__)

KEPT_BYTES = 400_000_000
"""Pictures that stay in memory when no session shows them: the largest loop and some more, or 80 photos."""


class AvatarCompositorFactory:
    """Implements :class:`streaming.compositor.base.CompositorFactory`; safe to use from several threads.

    The first ``open`` of an avatar reads its files (0.1 s): call it in a worker thread. Of a video's loop the
    first frame is there then; the others are decoded while it is played.

    Args:
        store: where avatars are.
    """

    def __init__(self, store: AvatarStore) -> None:
        self._store = store
        self._atlases: SharedCache[AtlasAssets] = SharedCache(KEPT_BYTES, _bytes_of)
        self._loops: SharedCache[LoopAssets] = SharedCache(KEPT_BYTES, lambda loop: loop.frames.nbytes)
        self._loop_mouths: SharedCache[LoopMouthAssets] = SharedCache(KEPT_BYTES, lambda found: found.nbytes)
        self._faces: SharedCache[FaceAssets] = SharedCache(KEPT_BYTES, lambda face: face.nbytes)
        self._backdrops = Backdrops(store, KEPT_BYTES)
        self._still_faces: SharedCache[StillFace] = SharedCache(KEPT_BYTES, lambda face: face.nbytes)
        # One frame is too little work to share between threads; sessions are what runs side by side.
        cv2.setNumThreads(1)

    def open(
        self, avatar: str, seed: int = 0, background: str | None = None
    ) -> AtlasCompositor | LoopCompositor | BackedCompositor:
        """A compositor for the avatar with this id: of its mouth atlas, or else of its idle loop.

        Drawn mouths are shown when it has a part for them that is up to date.

        Args:
            avatar: its id.
            seed: varies blinks and gaze between sessions.
            background: a colour behind a person who has no background; its frames then are no layers.

        Raises:
            AvatarNotFound: there is none.
            BackgroundRejected: ``background`` is no colour, or the avatar has a background.
            BundleInvalid: it is damaged, has nothing to show, or too much.
        """
        manifest = self._store.manifest(avatar)
        check_background(manifest, background)
        return self._backdrops.before(self._person(manifest, seed), manifest, background)

    def credits(self, avatar: str) -> Credits:
        """What a film of the avatar with this id says about itself.

        Raises:
            AvatarNotFound: there is none.
        """
        return credits_of(self._store.manifest(avatar))

    def _person(self, manifest: Manifest, seed: int) -> AtlasCompositor | LoopCompositor:
        avatar = manifest.id
        source = source_part(manifest)
        # Keyed by contents: an avatar that is made again under the same id is loaded again.
        key = (avatar, manifest.parts[source].sha256)
        if source == "atlas.npz":
            assets = self._atlases.get(key, lambda: load_assets(self._store.get(avatar).atlas()))

            def still_face() -> StillFace | None:
                return self._still_face(key, manifest, assets)

            matte = self._backdrops.still(manifest)
            shown = None if matte is None else matte.person
            return AtlasCompositor(assets, Life(seed, assets.eye_span), still_face(), still_face, shown)
        face, mouths = self._face(key, manifest), self._mouths_of_loop(manifest)
        # Last, as it goes on being decoded meanwhile.
        loop = self._loops.get(key, lambda: self._load_loop(avatar))
        return LoopCompositor(loop, face, lambda: self._face(key, manifest), mouths)

    def _mouths_of_loop(self, manifest: Manifest) -> LoopMouthAssets | None:
        if "heads.npz" not in manifest.parts:
            return None
        avatar = manifest.id
        key = (avatar, manifest.parts["atlas.npz"].sha256, manifest.parts["heads.npz"].sha256)
        return self._loop_mouths.get(key, lambda: load_loop_mouths(*self._store.get(avatar).heads()))

    def _load_loop(self, avatar: str) -> LoopAssets:
        bundle = self._store.get(avatar)
        manifest = bundle.manifest
        frames = load_frames(bundle.part("idle.mp4"), manifest)
        return LoopAssets(manifest.width, manifest.height, frames, manifest.loop)

    def _still_face(self, key: tuple[str, str], manifest: Manifest, assets: AtlasAssets) -> StillFace | None:
        face = self._face(key, manifest)
        if face is None:
            return None
        return self._still_faces.get((*key, face.fingerprint), lambda: StillFace(face, assets))

    def _face(self, key: tuple[str, str], manifest: Manifest) -> FaceAssets | None:
        """Where drawn mouths go, or ``None``: the avatar is shown without them all the same."""
        avatar = manifest.id

        def load() -> FaceAssets:
            return FaceAssets(self._store.musetalk(avatar), manifest.width, manifest.height)

        try:
            fingerprint = self._store.musetalk_fingerprint(avatar)
            # Sessions go on with the pictures that they opened with, and so need a part of these.
            if fingerprint is None or not is_current(fingerprint, manifest):
                return None
            face = self._faces.get((*key, fingerprint), load)
        except AvatarError as error:
            log.warning("drawn mouths cannot be shown", avatar=avatar, reason=error.message)
            return None
        return face if face.frames == frames_of(manifest) else None


def _bytes_of(assets: AtlasAssets) -> int:
    values = (getattr(assets, field.name) for field in dataclasses.fields(assets))
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))
