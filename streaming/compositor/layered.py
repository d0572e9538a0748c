"""A person without a background, before a colour or a film, or alone."""

from __future__ import annotations

import av
import cv2
import numpy as np

from streaming.compositor.base import Compositor, Layers
from streaming.compositor.behind import Behind
from streaming.compositor.matte import Matte
from streaming.compositor.planes import Plane, Planes, frame_planes
from streaming.slots import Patch

HALF = 128


class BackedCompositor:
    """Implements :class:`streaming.compositor.base.Compositor`: the person of another one, before something.

    Args:
        person: draws the person.
        matte: where the person is in the frames of that.
        behind: what is behind.
    """

    def __init__(self, person: Compositor, matte: Matte, behind: Behind) -> None:
        self.width = person.width
        self.height = person.height
        self._person = person
        self._matte = matte
        self._behind = behind
        self._begun: int | None = None
        size = (self.height, self.width)
        self._alpha = np.empty(size, np.uint8)
        self._half = np.empty((self.height // 2, self.width // 2), np.uint8)
        self._shares, self._sums, self._under = (np.empty(size, np.uint16) for _ in range(3))

    @property
    def position(self) -> int:
        """Where the person's loop is; see :class:`streaming.compositor.base.Compositor`."""
        return self._person.position

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        """The frame of slot ``index``; see :class:`streaming.compositor.base.Compositor`."""
        frame = self._person.compose(index, patch)
        self._matte.draw(self._alpha)
        cv2.resize(self._alpha, self._half.shape[::-1], dst=self._half, interpolation=cv2.INTER_AREA)
        if self._begun is None:
            # A film that is still being decoded is shown from its beginning, whatever time it is.
            self._begun = 0 if self._behind.whole else index
        behind = self._behind.at(index - self._begun)
        target = frame_planes(frame)
        y, u, v = (behind.y, behind.u, behind.v) if isinstance(behind, Planes) else behind
        self._share(self._alpha)
        self._blend(target.y, y)
        self._share(self._half)
        self._blend(target.u, u)
        self._blend(target.v, v)
        return frame

    def _share(self, alpha: Plane) -> None:
        """Of 256 parts, how many show the person, for the blends that follow."""
        part = np.s_[: alpha.shape[0], : alpha.shape[1]]
        shares, ones = self._shares[part], self._sums[part]
        np.copyto(shares, alpha)
        # 0 and 255 become 0 and 256; nothing between is off by more than half of a level.
        np.right_shift(shares, 7, out=ones)
        np.add(shares, ones, out=shares)

    def _blend(self, target: Plane, behind: Plane | int) -> None:
        """Put ``behind`` behind ``target``.

        That is (person - behind) * share + behind * 256, and the half that rounds, by 256. The difference may
        be negative; the sum is not, and fits into the 16 bits that all is counted in.
        """
        part = np.s_[: target.shape[0], : target.shape[1]]
        shares, sums = self._shares[part], self._sums[part]
        np.copyto(sums, target)
        if isinstance(behind, int):
            np.subtract(sums, behind, out=sums)
            np.multiply(sums, shares, out=sums)
            np.add(sums, behind * 256 + HALF, out=sums)
        else:
            under = self._under[part]
            np.copyto(under, behind)
            np.subtract(sums, under, out=sums)
            np.multiply(sums, shares, out=sums)
            np.left_shift(under, 8, out=under)
            np.add(sums, under, out=sums)
            np.add(sums, HALF, out=sums)
        np.right_shift(sums, 8, out=sums)
        target[:] = sums


class TransparentCompositor(BackedCompositor):
    """Implements :class:`streaming.compositor.base.LayeredCompositor`, too."""

    def compose_layers(self, index: int, patch: Patch | None) -> Layers:
        """The person alone in slot ``index``."""
        frame = self._person.compose(index, patch)
        alpha = np.empty((self.height, self.width), np.uint8)
        self._matte.draw(alpha)
        return Layers(frame, alpha)
