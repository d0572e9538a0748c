"""The idle loop of an avatar made from a video: decoded once per process, shared by all its sessions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from avatars.errors import BundleInvalid
from avatars.manifest import LoopKind, Manifest
from streaming.compositor.planes import Plane, Planes, frame_planes, packed_size, unpack
from streaming.timing import FPS

MAX_LOOP_BYTES = 300_000_000
"""Half a minute of 512 x 512."""
BT601 = (Colorspace.ITU601, Colorspace.SMPTE170M)
_UNSPECIFIED = 2


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class LoopAssets:
    """Everything that sessions of one avatar share.

    Attributes:
        width: frame width in pixels.
        height: frame height in pixels.
        frames: (N, packed_size) read-only.
        kind: how the loop goes on at its end.
    """

    width: int
    height: int
    frames: Plane
    kind: LoopKind = "mirrored"

    def picture(self, frame: int) -> Planes:
        """The planes of a frame."""
        return unpack(self.frames[frame], self.width, self.height)


def load_frames(path: Path, manifest: Manifest) -> Plane:
    """Decode a loop to (N, packed_size), read-only; some 2 ms per frame of 512 x 512.

    Raises:
        BundleInvalid: it is damaged, too large, or not what the manifest says.
    """
    name, size = manifest.id, (manifest.width, manifest.height)
    if manifest.fps != FPS:
        raise BundleInvalid(
            f"The loop of '{name}' has {manifest.fps} frames per second; {FPS} are needed. Create it again."
        )
    needed = manifest.frames * packed_size(*size)
    if needed > MAX_LOOP_BYTES:
        raise BundleInvalid(
            f"The loop of '{name}' takes {needed // 10**6} MB when it is played, and at most "
            f"{MAX_LOOP_BYTES // 10**6} MB are allowed. Create it again from a shorter or smaller video."
        )
    packed = np.empty((manifest.frames, packed_size(*size)), np.uint8)
    count = 0
    try:
        for frame in _decode(path):
            if count == manifest.frames or (frame.width, frame.height) != size:
                raise _other(name)
            unpack(packed[count], *size).put(frame_planes(_as_bt601(frame)))
            count += 1
    except FileNotFoundError as error:
        raise BundleInvalid(f"The avatar '{name}' was deleted meanwhile. Choose another.") from error
    except (FFmpegError, IndexError, ValueError) as error:
        raise BundleInvalid(f"The loop of '{name}' cannot be played. Get a whole copy.") from error
    if count != manifest.frames:
        raise _other(name)
    packed.flags.writeable = False
    return packed


def _decode(path: Path) -> Iterator[av.VideoFrame]:
    # Named, as other formats are lists of files that may lie anywhere.
    with av.open(str(path), format="mp4") as container:
        stream = container.streams.video[0]
        # One thread: sessions that play must not be disturbed by one that opens.
        stream.codec_context.thread_count = 1
        yield from container.decode(stream)


def _as_bt601(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame as yuv420p of limited range, itself where it is so already."""
    known = frame.colorspace in (*BT601, _UNSPECIFIED) and frame.color_range != ColorRange.JPEG
    if frame.format.name == "yuv420p" and known:
        return frame
    return frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG)


def _other(name: str) -> BundleInvalid:
    return BundleInvalid(f"The loop of '{name}' is not what its manifest says. Get a whole copy.")
