"""The compositor of a video: its idle loop, with drawn mouths blended into its frames."""

from __future__ import annotations

from collections.abc import Callable

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from streaming.compositor.blend import PatchBlender
from streaming.compositor.current_face import CurrentFace
from streaming.compositor.drawn_mouth import DrawnMouth
from streaming.compositor.face import FaceAssets
from streaming.compositor.loop import LoopAssets
from streaming.compositor.loop_follower import Layer, LoopFollower
from streaming.compositor.planes import Planes, frame_planes, packed_size, unpack
from streaming.slots import FacePixels, Patch


class LoopCompositor:
    """Implements :class:`streaming.compositor.base.Compositor` for avatars that have no mouth atlas.

    Shapes of an atlas mean nothing to them: the loop then goes on.

    Args:
        loop: the avatar's shared frames, only read.
        face: where drawn mouths go; without it they are not shown.
        renew: where they go by now, asked when patches come that were drawn for another part; called where
            frames are composed.

    Attributes:
        shown: the frames of the loop that were composed last, from the lowest layer to the highest.
    """

    def __init__(
        self,
        loop: LoopAssets,
        face: FaceAssets | None = None,
        renew: Callable[[], FaceAssets | None] = lambda: None,
    ) -> None:
        self.width = loop.width
        self.height = loop.height
        self._loop = loop
        self._count = len(loop.frames)
        self._follower = LoopFollower(self._count, loop.kind)
        self._current = CurrentFace(face, renew)
        self._use(face)
        self._blender = PatchBlender()
        self._layer: Planes | None = None
        self._begun: int | None = None
        self.shown: list[Layer] = []

    @property
    def position(self) -> int:
        """Where the loop is; see :class:`streaming.compositor.base.Compositor`."""
        return self._follower.position

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        """The frame of slot ``index``; see :class:`streaming.compositor.base.Compositor`."""
        patch = patch if isinstance(patch, FacePixels) and self._current.suits(patch) else None
        if self._current.face is not self._face:
            self._use(self._current.face)
        wanted = patch.frame if patch is not None and 0 <= patch.frame < self._count else None
        if self._begun is None:
            # A loop that is still being decoded is shown from its beginning, whatever time it is.
            self._begun = 0 if self._loop.whole else index
        lowest, *higher = self.shown = self._follower.follow(index - self._begun, wanted)
        mouth, weight = self._drawn.follow(index, patch)
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        frame.colorspace = Colorspace.SMPTE170M
        frame.color_range = ColorRange.MPEG
        target = frame_planes(frame)
        self._draw(lowest.frame, mouth, weight, target)
        for layer in higher:
            above = self._above()
            # The same mouth in either: lips must not move twice.
            self._draw(layer.frame, mouth, weight, above)
            for upper, under in ((above.y, target.y), (above.u, target.u), (above.v, target.v)):
                cv2.addWeighted(upper, layer.weight, under, 1 - layer.weight, 0, dst=under)
        return frame

    def _use(self, face: FaceAssets | None) -> None:
        self._face = face
        self._drawn = DrawnMouth(face.patch_size if face else None, self._count)

    def _draw(self, frame: int, mouth: Planes | None, weight: float, target: Planes) -> None:
        """One frame of the loop with the mouth in it."""
        picture = self._loop.picture(frame)
        target.put(picture)
        place = None if mouth is None or self._face is None else self._face.place(frame)
        if mouth is not None and place is not None:
            under = picture.window(*place.rect)
            self._blender.draw(place, mouth, weight, under, target.window(*place.rect))

    def _above(self) -> Planes:
        if self._layer is None:
            scratch = np.empty(packed_size(self.width, self.height), np.uint8)
            self._layer = unpack(scratch, self.width, self.height)
        return self._layer
