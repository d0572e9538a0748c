"""The idle loop of an avatar made from a video: decoded once per process, shared by all its sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import structlog
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from avatars.errors import BundleInvalid
from avatars.manifest import MAX_SIDE, LoopKind, Manifest
from streaming.compositor.frame_store import FrameStore
from streaming.compositor.planes import Plane, Planes, frame_planes, packed_size, unpack
from streaming.timing import FPS

MAX_LOOP_BYTES = 300_000_000
"""Half a minute of 512 x 512."""
MATTE_BYTES = 30_000_000
"""Of a loop's matte that are kept as they are; the rest shrinks to a twentieth."""
MOST_PIXELS = (MAX_SIDE + 64) ** 2
"""Of a frame, with what codecs put around it."""
BT601 = (Colorspace.ITU601, Colorspace.SMPTE170M)
_UNSPECIFIED = 2
_BROKEN = (FFmpegError, IndexError, ValueError, EOFError)

log = structlog.get_logger(__name__)


class LoopFrames:
    """The frames of a loop, (packed_size,) each and read-only; see :func:`load_frames`.

    They are decoded in order by a thread of their own, some 10 times as fast as they are played. Who wants
    one that is not there yet waits for it. Safe to use from several threads. Of long loops, part is squeezed:
    see :mod:`streaming.compositor.frame_store`.

    Args:
        name: of the avatar.
        size: width and height in pixels.
        count: how many frames there are.
        decoded: gives them, the first at once.
        kept: bytes of a frame; of all its planes when not given.
        keep: writes what is kept of a frame.
    """

    def __init__(
        self,
        name: str,
        size: tuple[int, int],
        count: int,
        decoded: Iterator[av.VideoFrame],
        kept: int | None = None,
        keep: Callable[[av.VideoFrame, Plane], None] | None = None,
    ) -> None:
        self._name = name
        self._size = size
        self._keep = keep or _keep_planes
        self._frames = (
            FrameStore(count, packed_size(*size), size[0])
            if kept is None
            else FrameStore(count, kept, size[0], exact=True, plain_bytes=MATTE_BYTES)
        )
        self._decoded = decoded
        self._there = 0
        self._ended = False
        self._news = threading.Condition()
        if not self._next():
            raise _other(name)
        self._work = threading.Thread(target=self._run, name=f"loop of {name}", daemon=True)
        self._work.start()

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, frame: int) -> Plane:
        """A frame, waited for if need be; the last one that is sound, where the file is damaged."""
        if frame >= self._there:
            with self._news:
                self._news.wait_for(lambda: self._there > frame or self._ended)
            frame = min(frame, self._there - 1)
        return self._frames[frame]

    @property
    def nbytes(self) -> int:
        """Size in memory, about, once all are there."""
        return self._frames.nbytes

    @property
    def whole(self) -> bool:
        """Whether nobody waits any more."""
        return self._ended

    def all(self) -> Plane:
        """Wait for all of them: (N, packed_size)."""
        self._work.join()
        return np.array([self._frames[frame] for frame in range(self._there)])

    def _run(self) -> None:
        """Nobody can be told any more: a loop that is damaged stays at the last frame that is sound."""
        try:
            while self._next():
                pass
            if self._there < len(self):
                log.warning("a loop is shorter than it says", avatar=self._name, frames=self._there)
        except BundleInvalid as error:
            log.warning("a loop cannot be decoded to its end", avatar=self._name, reason=error.message)
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()

    def _next(self) -> bool:
        """Decode one more; ``False`` when there is none."""
        try:
            frame = next(self._decoded, None)
        except _BROKEN as error:
            raise _broken(self._name) from error
        if frame is None:
            return False
        if self._there == len(self) or (frame.width, frame.height) != self._size:
            raise _other(self._name)
        self._frames.put(lambda packed: self._keep(frame, packed))
        with self._news:
            self._there += 1
            self._news.notify_all()
        return True


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class LoopAssets:
    """Everything that sessions of one avatar share.

    Attributes:
        width: frame width in pixels.
        height: frame height in pixels.
        frames: (N, packed_size) read-only; perhaps some are still being decoded.
        kind: how the loop goes on at its end.
    """

    width: int
    height: int
    frames: Plane | LoopFrames
    kind: LoopKind = "mirrored"

    @property
    def whole(self) -> bool:
        """Whether no frame has to be waited for."""
        return not isinstance(self.frames, LoopFrames) or self.frames.whole

    def picture(self, frame: int) -> Planes:
        """The planes of a frame."""
        return unpack(self.frames[frame], self.width, self.height)


def load_frames(path: Path, manifest: Manifest) -> LoopFrames:
    """Open a loop and decode its first frame; the others follow, at some 2 ms each for 512 x 512.

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
    stream, decoded = open_film(path, name)
    if stream.frames not in (0, manifest.frames):
        raise _other(name)
    return LoopFrames(name, size, manifest.frames, decoded)


def open_film(path: Path, name: str) -> tuple[VideoStream, Iterator[av.VideoFrame]]:
    """The picture of an MP4 file of an avatar's bundle, and its frames.

    Args:
        path: of the file.
        name: of the avatar.

    Raises:
        BundleInvalid: it cannot be opened.
    """
    try:
        # Named, as other formats are lists of files that may lie anywhere.
        container = av.open(str(path), format="mp4")
    except FileNotFoundError as error:
        raise BundleInvalid(f"The avatar '{name}' was deleted meanwhile. Choose another.") from error
    except _BROKEN as error:
        raise _broken(name) from error
    if not container.streams.video:
        raise _broken(name)
    stream = container.streams.video[0]
    # One thread: sessions that play must not be disturbed by one that opens.
    stream.codec_context.thread_count = 1
    # A file of a megabyte may hold a frame of gigabytes, whatever size its container tells.
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    return stream, container.decode(stream)


def _keep_planes(frame: av.VideoFrame, packed: Plane) -> None:
    unpack(packed, frame.width, frame.height).put(frame_planes(_as_bt601(frame)))


def _as_bt601(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame as yuv420p of limited range, itself where it is so already."""
    known = frame.colorspace in (*BT601, _UNSPECIFIED) and frame.color_range != ColorRange.JPEG
    if frame.format.name == "yuv420p" and known:
        return frame
    return frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG)


def _broken(name: str) -> BundleInvalid:
    return BundleInvalid(f"The loop of '{name}' cannot be played. Get a whole copy.")


def _other(name: str) -> BundleInvalid:
    return BundleInvalid(f"The loop of '{name}' is not what its manifest says. Get a whole copy.")
