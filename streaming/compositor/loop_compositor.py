"""The compositor of a video: its idle loop, with mouths of its atlas, or drawn ones, in its frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from streaming.compositor.blend import PatchBlender
from streaming.compositor.current_face import CurrentFace
from streaming.compositor.drawn_mouth import DrawnMouth
from streaming.compositor.easing import MouthPose
from streaming.compositor.face import FaceAssets
from streaming.compositor.loop import LoopAssets
from streaming.compositor.loop_follower import Layer, LoopFollower
from streaming.compositor.loop_mouth import LoopMouth
from streaming.compositor.loop_mouth_assets import LoopMouthAssets
from streaming.compositor.loop_speech import LoopSpeech
from streaming.compositor.loud_mouth import LoudMouth
from streaming.compositor.planes import Planes, frame_planes, packed_size, unpack
from streaming.slots import FacePixels, MouthShape, Patch


class _Mouth(NamedTuple):
    """What is drawn into a frame.

    Attributes:
        drawn: a network's patch, which goes on top.
        weight: how much of it shows, 0..1.
        pose: of the atlas's mouth.
        shown: how much of that shows, 0..1.
    """

    drawn: Planes | None
    weight: float
    pose: MouthPose
    shown: float


class LoopCompositor:
    """Implements :class:`streaming.compositor.base.Compositor` for avatars that are made from a video.

    Without a mouth atlas for moving heads, shapes of an atlas mean nothing to them: the loop then goes on.

    Args:
        loop: the avatar's shared frames, only read.
        face: where drawn mouths go; without it they are not shown.
        renew: where they go by now, asked when patches come that were drawn for another part; called where
            frames are composed.
        mouths: the mouth atlas, and where its mouths go; ``None`` when the avatar has none.

    Attributes:
        shown: the frames of the loop that were composed last, from the lowest layer to the highest.
    """

    def __init__(
        self,
        loop: LoopAssets,
        face: FaceAssets | None = None,
        renew: Callable[[], FaceAssets | None] = lambda: None,
        mouths: LoopMouthAssets | None = None,
    ) -> None:
        self.width = loop.width
        self.height = loop.height
        self._loop = loop
        self._count = len(loop.frames)
        self._follower = LoopFollower(self._count, loop.kind)
        self._current = CurrentFace(face, renew)
        self._use(face)
        self._blender = PatchBlender()
        self._shapes = LoopMouth(mouths) if mouths is not None else None
        self._speech = LoopSpeech()
        self._loud = LoudMouth()
        self._layer: Planes | None = None
        self._begun: int | None = None
        self.shown: list[Layer] = []

    @property
    def position(self) -> int:
        """Where the loop is; see :class:`streaming.compositor.base.Compositor`."""
        return self._follower.position

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        """The frame of slot ``index``; see :class:`streaming.compositor.base.Compositor`."""
        shape: MouthShape | None = None
        if isinstance(patch, MouthShape):
            shape = patch
        elif isinstance(patch, FacePixels) and not self._current.suits(patch):
            shape = self._loud.shape(patch)
        drawn = patch if shape is None and isinstance(patch, FacePixels) else None
        if self._current.face is not self._face:
            self._use(self._current.face)
        wanted = drawn.frame if drawn is not None and 0 <= drawn.frame < self._count else None
        if self._begun is None:
            # A loop that is still being decoded is shown from its beginning, whatever time it is.
            self._begun = 0 if self._loop.whole else index
        lowest, *higher = self.shown = self._follower.follow(index - self._begun, wanted)
        mouth = _Mouth(*self._drawn.follow(index, drawn), *self._speech.follow(index, shape))
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        frame.colorspace = Colorspace.SMPTE170M
        frame.color_range = ColorRange.MPEG
        target = frame_planes(frame)
        self._draw(lowest.frame, mouth, target)
        for layer in higher:
            above = self._above()
            # The same mouth in either: lips must not move twice.
            self._draw(layer.frame, mouth, above)
            for upper, under in ((above.y, target.y), (above.u, target.u), (above.v, target.v)):
                cv2.addWeighted(upper, layer.weight, under, 1 - layer.weight, 0, dst=under)
        return frame

    def _use(self, face: FaceAssets | None) -> None:
        self._face = face
        self._drawn = DrawnMouth(face.patch_size if face else None, self._count)

    def _draw(self, frame: int, mouth: _Mouth, target: Planes) -> None:
        """One frame of the loop with the mouth in it."""
        picture = self._loop.picture(frame)
        target.put(picture)
        if self._shapes is not None:
            self._shapes.draw(frame, mouth.pose, mouth.shown, picture, target)
        place = None if mouth.drawn is None or self._face is None else self._face.place(frame)
        if mouth.drawn is not None and place is not None:
            window = target.window(*place.rect)
            self._blender.draw(place, mouth.drawn, mouth.weight, window, window)

    def _above(self) -> Planes:
        if self._layer is None:
            scratch = np.empty(packed_size(self.width, self.height), np.uint8)
            self._layer = unpack(scratch, self.width, self.height)
        return self._layer
