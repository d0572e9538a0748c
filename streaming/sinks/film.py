"""What all files of films have in common: they last as long as their slots, and appear when complete."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.frame import PictureType
from av.video.stream import VideoStream
from numpy.typing import NDArray

from streaming.credits import Credits
from streaming.encoders.bt601 import tag_bt601
from streaming.encoders.opus import audio_frame
from streaming.encoders.video import check_frame, check_size
from streaming.errors import ScriptRejected
from streaming.timing import FPS, FRAME_TIME_BASE, SLOT_SAMPLES, SLOT_SECONDS, WIRE_RATE

PARTIAL_SUFFIX = ".part"
VIDEO_THREADS = 2
FAT_SECONDS = 600
"""The longest film in a format that takes megabytes for a second."""
FAT_BYTES = 4 << 30

Samples = NDArray[np.float32]
Alpha = NDArray[np.uint8]


class FilmSink(Protocol):
    """Writes slots to a file, which appears under its name only when it is complete.

    Blocking: call it from a worker thread, one call at a time.
    """

    frames: int

    def write(self, frame: av.VideoFrame, samples: Samples, alpha: Alpha | None = None) -> None:
        """Append one slot.

        Args:
            frame: yuv420p, BT.601, limited range, of the file's size; straight colours when there is alpha.
            samples: float32 of shape (960,) at 24 kHz.
            alpha: (height, width) uint8; given with all frames, or with none.

        Raises:
            ValueError: the frame or the sound has another shape, or the file is finished.
            ScriptRejected: the film is too long for the format.
        """
        ...

    def close(self) -> float:
        """Finish the file and give it its name.

        Returns:
            Its duration in seconds: exactly 1/25 per slot.

        Raises:
            ScriptRejected: nothing was written; no file is left.
        """
        ...

    def abort(self) -> None:
        """Give up and remove what was written; idempotent, and without effect on a finished file."""
        ...


def partial_path(path: Path) -> Path:
    """Where a file is written before it is complete."""
    return path.with_name(f".{path.name}{PARTIAL_SUFFIX}")


def nothing_spoken() -> ScriptRejected:
    """Of a film without a slot."""
    return ScriptRejected("Nothing was spoken, so there is no video; give a text that can be spoken.")


def check_fat(frames: int, path: Path) -> None:
    """Refuse to write on and on in a format that takes much room; asked about once a second.

    Raises:
        ScriptRejected: the film is too long or too large.
    """
    if frames % FPS == 0 and (frames >= FAT_SECONDS * FPS or path.stat().st_size > FAT_BYTES):
        raise ScriptRejected(
            f"In this format a film may last {FAT_SECONDS // 60} minutes and take {FAT_BYTES >> 30} GB. "
            "Render it in parts, or as MP4 or WebM."
        )


class ContainerSink:
    """Implements :class:`FilmSink` for a container that libav writes.

    Args:
        path: where the file shall be; its folder exists.
        width: pixels, even.
        height: pixels, even.
        credits: what the film says about itself.

    Raises:
        ValueError: a side is odd or not positive.
        OSError: the file cannot be written.
    """

    container_format: str
    container_options: Mapping[str, str] = {}
    audio_format = "fltp"

    def __init__(self, path: Path, width: int, height: int, credits: Credits | None = None) -> None:
        check_size(width, height)
        self.path = path
        self.frames = 0
        self._credits = credits
        self._partial = partial_path(path)
        self._finished = False
        # Bit-exact: no random identities, so that equal films are equal bytes.
        options = {"fflags": "+bitexact", **self.container_options}
        self._container: OutputContainer = av.open(
            str(self._partial), "w", format=self.container_format, options=options
        )
        try:
            self._container.metadata.update(self._tags(credits) if credits else {})
            self._video = self._add_video(self._container)
            self._video.width, self._video.height = width, height
            context = self._video.codec_context
            context.time_base = FRAME_TIME_BASE
            context.thread_count = VIDEO_THREADS
            tag_bt601(context)
            self._audio = self._add_audio(self._container)
        except BaseException:
            self.abort()
            raise
        self._resampler = av.AudioResampler(format=self.audio_format, layout="mono", rate=WIRE_RATE)

    def write(self, frame: av.VideoFrame, samples: Samples, alpha: Alpha | None = None) -> None:
        """Append one slot; see :class:`FilmSink`."""
        if self._finished:
            raise ValueError("The file is finished.")
        check_frame(frame, self._video.width, self._video.height)
        sound = audio_frame(samples, self.frames * SLOT_SAMPLES)
        picture = self._picture(frame, alpha)
        picture.pts = self.frames
        picture.time_base = FRAME_TIME_BASE
        picture.pict_type = PictureType.NONE
        self._container.mux(self._video.encode(picture))
        self._encode_audio(sound)
        self.frames += 1

    def close(self) -> float:
        """Finish the file and give it its name; see :class:`FilmSink`."""
        if self._finished:
            return self.frames * SLOT_SECONDS
        if self.frames == 0:
            self.abort()
            raise nothing_spoken()
        try:
            self._encode_audio(None)
            self._container.mux(self._video.encode(None))
            self._container.mux(self._audio.encode(None))
            self._container.close()
            self._finished = True
            self._finish(self._partial)
            os.replace(self._partial, self.path)
        except BaseException:
            self.abort()
            raise
        return self.frames * SLOT_SECONDS

    def abort(self) -> None:
        """Give up and remove what was written; see :class:`FilmSink`."""
        if self._finished and not self._partial.exists():
            return
        self._finished = True
        with suppress(FFmpegError):
            self._container.close()
        self._partial.unlink(missing_ok=True)

    # What the formats differ in ----------------------------------------------------------------------------

    def _add_video(self, container: OutputContainer) -> VideoStream:
        raise NotImplementedError

    def _add_audio(self, container: OutputContainer) -> AudioStream:
        raise NotImplementedError

    def _tags(self, credits: Credits) -> dict[str, str]:
        """The container's own metadata."""
        raise NotImplementedError

    def _picture(self, frame: av.VideoFrame, alpha: Alpha | None) -> av.VideoFrame:
        """The frame as the encoder takes it."""
        return frame

    def _finish(self, path: Path) -> None:
        """What is left to do with the finished file before it gets its name."""

    def _encode_audio(self, sound: av.AudioFrame | None) -> None:
        for resampled in self._resampler.resample(sound):
            self._container.mux(self._audio.encode(resampled))
