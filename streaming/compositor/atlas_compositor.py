"""The compositor of the mouth atlas: mouth and eyes on the still, then one warp of the whole frame."""

from __future__ import annotations

import threading
from collections import OrderedDict

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from avatars.store import AvatarStore
from streaming.compositor.assets import AtlasAssets, load_assets
from streaming.compositor.easing import MouthFollower
from streaming.compositor.eyes import EyePainter
from streaming.compositor.life import Life
from streaming.compositor.mouth import MouthPainter
from streaming.compositor.planes import frame_planes, unpack
from streaming.compositor.speaking import SpeechMotion
from streaming.compositor.warp import Warp
from streaming.slots import MouthShape, Patch

CACHED_AVATARS = 16
"""Avatars whose pictures stay in memory when no session shows them (about 5 MB each)."""


class AtlasCompositor:
    """Implements :class:`streaming.compositor.base.Compositor` for avatars with a mouth atlas.

    Args:
        assets: the avatar's shared pictures, only read.
        life: how the head moves by itself.
    """

    def __init__(self, assets: AtlasAssets, life: Life) -> None:
        self.width = assets.width
        self.height = assets.height
        self._life = life
        self._mouth = MouthPainter(assets)
        self._eyes = EyePainter(assets)
        self._follower = MouthFollower()
        self._speech = SpeechMotion(life)
        self._warp = Warp(assets.motion, assets.width, assets.height)
        # Both rectangles are drawn over in place; the rest of the still never changes.
        self._still = unpack(np.array(assets.still), assets.width, assets.height)
        self._mouth_window = self._still.window(*assets.mouth_rect)
        self._eye_window = self._still.window(*assets.eye_rect)

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        """The frame of slot ``index``; see :class:`streaming.compositor.base.Compositor`."""
        pose = self._life.pose(index, self._speech.follow(index, patch))
        shape = patch if isinstance(patch, MouthShape) else None
        self._mouth.paint(self._follower.follow(index, shape), self._mouth_window)
        self._eyes.paint(pose.closure, pose.gaze, self._eye_window)
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        frame.colorspace = Colorspace.SMPTE170M
        frame.color_range = ColorRange.MPEG
        self._warp.draw(self._still, pose.motion, frame_planes(frame))
        return frame


class AtlasCompositorFactory:
    """Implements :class:`streaming.compositor.base.CompositorFactory`; safe to use from several threads.

    The first ``open`` of an avatar reads its files (about 0.2 s): call it in a worker thread.

    Args:
        store: where avatars are.
    """

    def __init__(self, store: AvatarStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._assets: OrderedDict[tuple[str, str], AtlasAssets] = OrderedDict()
        # One frame is too little work to share between threads; sessions are what runs side by side.
        cv2.setNumThreads(1)

    def open(self, avatar: str, seed: int = 0) -> AtlasCompositor:
        """A compositor for the avatar with this id.

        Raises:
            AvatarNotFound: there is none.
            BundleInvalid: it is damaged, or has no mouth atlas.
        """
        assets = self._load(avatar)
        return AtlasCompositor(assets, Life(seed, assets.eye_span))

    def _load(self, avatar: str) -> AtlasAssets:
        manifest = self._store.manifest(avatar)
        part = manifest.parts.get("atlas.npz")
        # Keyed by contents: an avatar that is made again under the same id is loaded again.
        key = (avatar, part.sha256 if part else "")
        with self._lock:
            if key not in self._assets:
                self._assets[key] = load_assets(self._store.get(avatar).atlas())
            self._assets.move_to_end(key)
            while len(self._assets) > CACHED_AVATARS:
                self._assets.popitem(last=False)
            return self._assets[key]
