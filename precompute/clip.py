"""A video from a stranger as frames, decoded in a process of its own; never more than one frame at a time.

Blocking: for the command line and for jobs that have a thread or process of their own.
"""

from __future__ import annotations

import contextlib
import stat
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import numpy as np
import structlog

from precompute.errors import AvatarRejected
from precompute.video import MAX_FILE_BYTES, MAX_SECONDS, VideoInfo
from precompute.video_child import END, FRAME, INFO, REFUSED, REPEAT
from precompute.video_picture import Image
from precompute.video_whole import is_video
from streaming.audio.recording import child_environment
from streaming.confinement import HEADER, Refused
from streaming.errors import EngineFailed
from streaming.timing import FPS

MAX_TEXT_BYTES = 64 << 10
"""Of a message that is no picture."""
HEAD_BYTES = 16

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Clip:
    """A video that has been looked into. Use :func:`open_clip`.

    Attributes:
        path: the file.
        info: what it is.
        max_seconds: how long it may be.
    """

    path: Path
    info: VideoInfo
    max_seconds: float

    def frames(self, begin: int = 0, end: int | None = None) -> Generator[Image, None, None]:
        """Its frames at 25 per second, each as often as it is shown; as often as they are wanted.

        Args:
            begin: the first that is wanted; frame ``n`` is shown from ``n / 25`` s on.
            end: the one behind the last.

        Yields:
            (height, width, 3) BGR, read-only and upright. A frame that is shown on is the same object again.

        Raises:
            AvatarRejected: ``truncated_video`` where it is damaged, and others that only decoding tells.
            EngineFailed: no process can be started, or it failed.
        """
        size = self.info.height * self.info.width * 3
        most = round(self.max_seconds * FPS) + FPS
        picture: Image | None = None
        with _decoder(self.path, self.max_seconds, begin, most if end is None else end) as decoder:
            decoder.text(INFO)
            while (kind := decoder.next(size)) != END:
                if kind == FRAME:
                    picture = decoder.picture(self.info.height, self.info.width)
                elif kind != REPEAT or picture is None:
                    raise decoder.nonsense(kind)
                yield picture


def open_clip(path: Path, max_seconds: float = MAX_SECONDS) -> Clip:
    """Look into a video.

    Args:
        path: a file that the caller chose itself (never one a stranger named).
        max_seconds: longer ones are refused.

    Raises:
        AvatarRejected: ``not_a_video``, ``truncated_video``, ``video_too_large``, ``video_too_small``,
            ``video_too_long`` or ``video_too_short``; the message says what to do.
        EngineFailed: no process can be started, or it failed.
    """
    with _decoder(path, max_seconds, 0, 0) as decoder:
        info = msgspec.json.decode(decoder.text(INFO), type=VideoInfo)
    return Clip(path, info, max_seconds)


def is_video_file(path: Path) -> bool:
    """Whether a file is meant as a video; ``False`` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return is_video(file.read(HEAD_BYTES), path.suffix)
    except OSError:
        return False


@contextlib.contextmanager
def _decoder(path: Path, max_seconds: float, begin: int, end: int) -> Generator[_Decoder, None, None]:
    try:
        # Asked before it is opened: a pipe would be waited for.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise AvatarRejected("not_a_video", f"{path.name} is not a plain file.")
        if status.st_size > MAX_FILE_BYTES:
            raise AvatarRejected(
                "video_too_large",
                f"The file is larger than {MAX_FILE_BYTES >> 30} GB. Export it in Full HD (1080p).",
            )
        with path.open("rb") as file:
            decoder = _Decoder(file, max_seconds, begin, end)
    except OSError as error:
        raise AvatarRejected("not_a_video", f"{path} cannot be read: {error.strerror}.") from error
    try:
        yield decoder
    finally:
        decoder.close()


class _Decoder:
    """A child at work, and its messages."""

    def __init__(self, file: IO[bytes], max_seconds: float, begin: int, end: int) -> None:
        try:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "precompute.video_child", f"{max_seconds}", f"{begin}", f"{end}"),
                stdin=file,
                stdout=subprocess.PIPE,
                env=child_environment(),
                # Ctrl-C is for whoever waits for it.
                start_new_session=True,
            )
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise EngineFailed(f"The video cannot be decoded now ({reason}). Try again later.") from error

    def next(self, picture_bytes: int) -> int:
        """The kind of the next message; the body of a picture is left to be read."""
        kind, size = HEADER.unpack(self._read(HEADER.size))
        if kind == REFUSED and size <= MAX_TEXT_BYTES:
            refused = msgspec.json.decode(self._read(size), type=Refused)
            raise AvatarRejected(refused.code, refused.message)
        if (kind == FRAME and size != picture_bytes) or (kind in (REPEAT, END) and size):
            raise self.nonsense(kind)
        return kind

    def text(self, wanted: int) -> bytes:
        """The body of a message that has to come now."""
        kind, size = HEADER.unpack(self._read(HEADER.size))
        if size > MAX_TEXT_BYTES or kind not in (wanted, REFUSED):
            raise self.nonsense(kind)
        body = self._read(size)
        if kind == REFUSED:
            refused = msgspec.json.decode(body, type=Refused)
            raise AvatarRejected(refused.code, refused.message)
        return body

    def picture(self, height: int, width: int) -> Image:
        """The body of a picture, read where it stays."""
        picture = np.empty((height, width, 3), np.uint8)
        self._read_into(picture.data.cast("B"))
        picture.flags.writeable = False
        return picture

    def nonsense(self, kind: int) -> AvatarRejected:
        """What is said of a decoder that a file has taken over."""
        log.error("a video's decoder spoke nonsense", kind=kind)
        return _broken()

    def close(self) -> None:
        """Stop decoding."""
        self._process.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait()

    def _read(self, size: int) -> bytes:
        body = bytearray(size)
        self._read_into(memoryview(body))
        return bytes(body)

    def _read_into(self, target: memoryview) -> None:
        assert self._process.stdout is not None
        filled = 0
        while filled < len(target):
            count = self._process.stdout.readinto(target[filled:])  # pyright: ignore[reportAttributeAccessIssue]
            if not count:
                raise self._ended()
            filled += count

    def _ended(self) -> Exception:
        status = self._process.wait()
        log.warning("a video broke its decoder", status=status)
        if status > 0:
            return EngineFailed("The video cannot be decoded; what was written to the log says why.")
        # A signal: out of time, or FFmpeg itself fell.
        return _broken()


def _broken() -> AvatarRejected:
    return AvatarRejected(
        "truncated_video",
        "The video is damaged, or takes far too long to decode. Export it again, in Full HD (1080p).",
    )
