"""The compositor of a photo: mouth and eyes on the still, then one warp of the whole frame."""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from streaming.compositor.assets import AtlasAssets
from streaming.compositor.blend import PatchBlender, Underlay, underlay
from streaming.compositor.colours import colour
from streaming.compositor.current_face import CurrentFace
from streaming.compositor.drawn_mouth import DrawnMouth
from streaming.compositor.easing import REST_POSE, MouthFollower
from streaming.compositor.eyes import EyePainter
from streaming.compositor.face import FaceAssets
from streaming.compositor.life import Life
from streaming.compositor.loud_mouth import LoudMouth
from streaming.compositor.mouth import MouthPainter
from streaming.compositor.place import below
from streaming.compositor.planes import frame_planes, unpack
from streaming.compositor.speaking import SpeechMotion
from streaming.compositor.warp import Part, Warp
from streaming.slots import FacePixels, MouthShape, Patch

EYES_FEATHER = 1 / 10
"""Below the eyes' rectangle a drawn mouth comes in over this share of its own height."""


class StillFace:
    """Where drawn mouths go on a still; shared, never written.

    Args:
        face: of the avatar.
        assets: of the same avatar.

    Attributes:
        patch_size: width and height of a patch in pixels.
        number: of the avatar's part.
        under: the still where patches show; ``None`` when none would.
        nbytes: size in memory.
    """

    def __init__(self, face: FaceAssets, assets: AtlasAssets) -> None:
        self.patch_size = face.patch_size
        self.number = face.number
        self.under: Underlay | None = None
        place = face.place(0)
        if place is not None:
            # The eyes are drawn on top, and only when they move: nothing else may touch their rectangle.
            place = below(place, assets.eye_rect, round(EYES_FEATHER * place.rect[3]))
        if place is not None:
            self.under = underlay(place, unpack(assets.still, assets.width, assets.height))
        self.nbytes = 0 if self.under is None else self.under.alpha.nbytes + self.under.rest.nbytes


class AtlasCompositor:
    """Implements :class:`streaming.compositor.base.Compositor` for avatars with a mouth atlas.

    Args:
        assets: the avatar's shared pictures, only read.
        life: how the head moves by itself.
        face: where drawn mouths go; without it they are not shown.
        renew: where they go by now, asked when patches come that were drawn for another part; called where
            frames are composed.
        shown: all that has to be drawn, of a person without a background; plain grey is around it.

    Attributes:
        warp: the motion of the frame that was composed last.
    """

    position = 0

    def __init__(
        self,
        assets: AtlasAssets,
        life: Life,
        face: StillFace | None = None,
        renew: Callable[[], StillFace | None] = lambda: None,
        shown: Part | None = None,
    ) -> None:
        self.width = assets.width
        self.height = assets.height
        self._life = life
        self._mouth = MouthPainter(assets)
        self._eyes = EyePainter(assets)
        self._follower = MouthFollower()
        self._loud = LoudMouth()
        self._speech = SpeechMotion(life)
        self.warp = Warp(assets.motion, assets.width, assets.height)
        self._shared = unpack(assets.still, assets.width, assets.height)
        # Mouth and eyes are drawn over in place; the rest of the still never changes.
        self._still = unpack(np.array(assets.still), assets.width, assets.height)
        self._mouth_window = self._still.window(*assets.mouth_rect)
        self._eye_window = self._still.window(*assets.eye_rect)
        self._blender = PatchBlender()
        self._shown = shown
        self._around = colour(None)
        self._face_touched = False
        self._face = CurrentFace(face, renew)
        self._use(face)

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        """The frame of slot ``index``; see :class:`streaming.compositor.base.Compositor`."""
        if isinstance(patch, FacePixels):
            patch = self._ours(patch)
        pose = self._life.pose(index, self._speech.follow(index, patch))
        self._paint_mouth(index, patch)
        self._eyes.paint(pose.closure, pose.gaze, self._eye_window)
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        frame.colorspace = Colorspace.SMPTE170M
        frame.color_range = ColorRange.MPEG
        target = frame_planes(frame)
        if self._shown is not None:
            target.y[:], target.u[:], target.v[:] = self._around
        self.warp.draw(self._still, pose.motion, target, self._shown)
        return frame

    def _use(self, face: StillFace | None) -> None:
        if self._face_touched:
            self._face_window.put(self._face_rest)
            self._face_touched = False
        self._used = face
        self._drawn = DrawnMouth(face.patch_size if face else None, frames=1)
        self._under = face.under if face else None
        if self._under is not None:
            self._face_rest = self._shared.window(*self._under.place.rect)
            self._face_window = self._still.window(*self._under.place.rect)

    def _ours(self, patch: FacePixels) -> Patch:
        """A patch, or what the atlas shows instead of one that was drawn for another face."""
        if not self._face.suits(patch):
            return self._loud.shape(patch)
        if self._face.face is not self._used:
            self._use(self._face.face)
        return patch

    def _paint_mouth(self, index: int, patch: Patch | None) -> None:
        pose = self._follower.follow(index, patch if isinstance(patch, MouthShape) else None)
        drawn, weight = self._drawn.follow(index, patch)
        hidden = drawn is not None and weight == 1 and pose == REST_POSE
        if self._face_touched and not hidden:
            self._face_window.put(self._face_rest)
            self._face_touched = False
        self._mouth.paint(pose, self._mouth_window)
        under = self._under
        if drawn is None or under is None:
            return
        if hidden:
            self._blender.draw_still(under, drawn, self._face_window)
        else:
            self._blender.draw(under.place, drawn, weight, self._face_window, self._face_window)
        self._face_touched = True
