"""Where a person is in the frames of an avatar without a background: mattes, and how they move.

A matte has one byte for each luma pixel: 0 is nothing, 255 is all of the person. Chroma has the mean of the
four pixels that share it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from avatars.errors import BundleInvalid
from avatars.manifest import Manifest
from streaming.compositor.loop import LoopFrames, open_film
from streaming.compositor.loop_follower import Layer
from streaming.compositor.planes import Plane, luma_of
from streaming.compositor.warp import Part, Warp, Window

BLOCK = 32
"""Rows that share the windows in which a matte is resampled."""
PERSON_BLOCK = 128
"""The same for the person: fewer, as each window costs three calls."""
REACHES = (3, 6, 9, 12)
"""Pixels by which a head moves its outline: the fewer, the less is resampled; beyond the last, all of it."""
MOST_BYTES = 200_000_000
"""Half a minute of 512 x 512."""
NEARLY = 4
"""A film's matte is off by this much where it is meant to be 0 or 255."""

_CLEAN = np.arange(256, dtype=np.uint8)
_CLEAN[:NEARLY], _CLEAN[256 - NEARLY :] = 0, 255


class Matte(Protocol):
    """The matte of one session's frames. Runs where frames are composed."""

    def draw(self, target: Plane) -> None:
        """Write all of the matte of the frame that was composed last, (height, width)."""
        ...


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class StillMatte:
    """The matte of a photo; shared, never written.

    Attributes:
        plane: (height, width) read-only.
        outlines: for each of :data:`REACHES` what an outline reaches that moves so far.
        person: all that the person reaches.
    """

    plane: Plane
    outlines: tuple[tuple[Window, ...], ...]
    person: Part


class WarpedMatte:
    """Implements :class:`Matte` for a photo, which moves with its head.

    Args:
        still: the avatar's matte.
        warp: the one that draws the session's frames.
    """

    def __init__(self, still: StillMatte, warp: Warp) -> None:
        self._still = still
        self._warp = warp

    def draw(self, target: Plane) -> None:
        """Resample the matte as the frame was, where that can change it."""
        level = bisect_left(REACHES, self._warp.reach)
        if level == len(REACHES):
            self._warp.draw_again(self._still.plane, target)
            return
        np.copyto(target, self._still.plane)
        for window in self._still.outlines[level]:
            self._warp.draw_again(self._still.plane, target, window)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class LoopMattes:
    """The mattes of a loop's frames; shared.

    Attributes:
        width: in pixels.
        height: in pixels.
        frames: (N, height * width) read-only; perhaps some are still being decoded.
    """

    width: int
    height: int
    frames: Plane | LoopFrames

    def plane(self, frame: int) -> Plane:
        """The matte of a frame, (height, width)."""
        return self.frames[frame].reshape(self.height, self.width)


class Follows(Protocol):
    """What knows which frames of a loop were shown last."""

    @property
    def shown(self) -> Sequence[Layer]:
        """From the lowest layer, which hides everything, to the highest."""
        ...


class LoopMatte:
    """Implements :class:`Matte` for a loop.

    Args:
        mattes: of the loop's frames.
        follows: shows them.
    """

    def __init__(self, mattes: LoopMattes, follows: Follows) -> None:
        self._mattes = mattes
        self._follows = follows

    def draw(self, target: Plane) -> None:
        """Blend the mattes as the frames were."""
        lowest, *higher = self._follows.shown
        np.copyto(target, self._mattes.plane(lowest.frame))
        for layer in higher:
            above = self._mattes.plane(layer.frame)
            cv2.addWeighted(above, layer.weight, target, 1 - layer.weight, 0, dst=target)


def load_matte(path: Path, manifest: Manifest) -> StillMatte:
    """Read ``alpha.png``.

    Raises:
        BundleInvalid: it is damaged, or does not fit the avatar.
    """
    size = manifest.width, manifest.height
    try:
        with Pillow.open(path, formats=["PNG"]) as picture:
            if (picture.size, picture.mode) != (size, "L"):
                raise _other("alpha.png", manifest.id)
            plane = np.array(picture, np.uint8)
    except FileNotFoundError as error:
        raise BundleInvalid(f"The avatar '{manifest.id}' was deleted meanwhile. Choose another.") from error
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise _other("alpha.png", manifest.id) from error
    plane.flags.writeable = False
    return still_matte(plane)


def still_matte(plane: Plane) -> StillMatte:
    """The matte of a photo from its (height, width), which is not to be written any more."""
    outlines = tuple(tuple(_windows(_outline(plane, reach), BLOCK)) for reach in REACHES)
    person = cv2.dilate(plane, _around(REACHES[-1]), borderType=cv2.BORDER_REPLICATE) > 0
    return StillMatte(plane, outlines, Part(tuple(_windows(person, PERSON_BLOCK)), REACHES[-1]))


def load_mattes(path: Path, manifest: Manifest) -> LoopMattes:
    """Open ``alpha.mp4``, whose luma is the matte: 0 nothing, 255 all.

    Raises:
        BundleInvalid: it is damaged, too large, or does not fit the avatar.
    """
    width, height = manifest.width, manifest.height
    if manifest.frames * width * height > MOST_BYTES:
        raise BundleInvalid(
            f"The matte of '{manifest.id}' takes more than {MOST_BYTES // 10**6} MB when it is played. "
            "Create it again from a shorter or smaller video."
        )
    stream, decoded = open_film(path, manifest.id)
    if stream.frames not in (0, manifest.frames):
        raise _other("alpha.mp4", manifest.id)

    def keep(frame: av.VideoFrame, flat: Plane) -> None:
        if frame.format.components[0].bits != 8:
            raise _other("alpha.mp4", manifest.id)
        cv2.LUT(luma_of(frame), _CLEAN, dst=flat.reshape(height, width))

    return LoopMattes(
        width,
        height,
        LoopFrames(manifest.id, (width, height), manifest.frames, decoded, width * height, keep),
    )


def _outline(matte: Plane, reach: int) -> NDArray[np.bool_]:
    """Where the matte is not the same all around."""
    low, high = (
        grow(matte, _around(reach), borderType=cv2.BORDER_REPLICATE) for grow in (cv2.erode, cv2.dilate)
    )
    return (high != low) | ((matte > 0) & (matte < 255))


def _around(reach: int) -> Plane:
    return np.ones((2 * reach + 3, 2 * reach + 3), np.uint8)


def _windows(wanted: NDArray[np.bool_], block: int) -> list[Window]:
    """Windows of so many rows, in even coordinates, that hold all that is wanted."""
    height = len(wanted)
    windows: list[Window] = []
    for top in range(0, height, block):
        rows = min(block, height - top)
        columns = np.flatnonzero(wanted[top : top + rows].any(axis=0))
        if len(columns):
            gaps = np.flatnonzero(np.diff(columns) > BLOCK)
            starts = [int(columns[0]), *(int(columns[gap + 1]) for gap in gaps)]
            stops = [*(int(columns[gap]) + 1 for gap in gaps), int(columns[-1]) + 1]
            for start, stop in zip(starts, stops, strict=True):
                left = start // 2 * 2
                windows.append((left, top, (stop + 1) // 2 * 2 - left, rows))
    return windows


def _other(part: str, avatar: str) -> BundleInvalid:
    return BundleInvalid(f"{part} of '{avatar}' is damaged, or does not fit it. Get a whole copy.")
