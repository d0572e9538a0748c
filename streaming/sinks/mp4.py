"""An MP4 file: H.264 and AAC whose streams and container all last exactly as long as their slots."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.frame import PictureType
from av.video.stream import VideoStream
from numpy.typing import NDArray

from streaming.encoders.bt601 import tag_bt601
from streaming.encoders.opus import audio_frame
from streaming.encoders.video import PIXEL_FORMAT, check_frame, check_size
from streaming.errors import ScriptRejected
from streaming.timing import FPS, FRAME_TIME_BASE, SLOT_SAMPLES, SLOT_SECONDS, WIRE_RATE

QUALITY = 20
"""x264's constant rate factor; lower is finer."""
PRESET = "veryfast"
AUDIO_BITRATE = 128_000
"""Bits per second of the AAC stream."""
VIDEO_THREADS = 2
GOP_FRAMES = 2 * FPS
"""A player can seek to every other second."""

PARTIAL_SUFFIX = ".part"


class Mp4Sink:
    """Writes slots to a file, which appears under its name only when it is complete.

    Blocking: call it from a worker thread, one call at a time.

    Args:
        path: where the file shall be; its folder exists.
        width: pixels, even.
        height: pixels, even.

    Raises:
        ValueError: a side is odd or not positive.
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, width: int, height: int) -> None:
        check_size(width, height)
        self.path = path
        self.frames = 0
        self._partial = path.with_name(f".{path.name}{PARTIAL_SUFFIX}")
        self._finished = False
        self._container: OutputContainer = av.open(
            str(self._partial), "w", format="mp4", options={"movflags": "+faststart"}
        )
        try:
            self._video = _video_stream(self._container, width, height)
            self._audio = _audio_stream(self._container)
        except BaseException:
            self.abort()
            raise
        self._resampler = av.AudioResampler(format="fltp", layout="mono", rate=WIRE_RATE)

    def write(self, frame: av.VideoFrame, samples: NDArray[np.float32]) -> None:
        """Append one slot.

        Args:
            frame: yuv420p, BT.601, limited range, of the file's size.
            samples: float32 of shape (960,) at 24 kHz.

        Raises:
            ValueError: the frame or the sound has another shape, or the file is finished.
        """
        if self._finished:
            raise ValueError("The file is finished.")
        check_frame(frame, self._video.width, self._video.height)
        sound = audio_frame(samples, self.frames * SLOT_SAMPLES)
        frame.pts = self.frames
        frame.time_base = FRAME_TIME_BASE
        frame.pict_type = PictureType.NONE
        self._container.mux(self._video.encode(frame))
        self._encode_audio(sound)
        self.frames += 1

    def close(self) -> float:
        """Finish the file and give it its name.

        Returns:
            Its duration in seconds: exactly 1/25 per slot.

        Raises:
            ScriptRejected: nothing was written; no file is left.
        """
        if self._finished:
            return self.frames * SLOT_SECONDS
        if self.frames == 0:
            self.abort()
            raise ScriptRejected("Nothing was spoken, so there is no video; give a text that can be spoken.")
        try:
            self._encode_audio(None)
            self._container.mux(self._video.encode(None))
            self._container.mux(self._audio.encode(None))
            self._container.close()
            self._finished = True
            os.replace(self._partial, self.path)
        except BaseException:
            self.abort()
            raise
        return self.frames * SLOT_SECONDS

    def abort(self) -> None:
        """Give up and remove what was written; idempotent, and without effect on a finished file."""
        if self._finished and not self._partial.exists():
            return
        self._finished = True
        with suppress(FFmpegError):
            self._container.close()
        self._partial.unlink(missing_ok=True)

    def _encode_audio(self, sound: av.AudioFrame | None) -> None:
        for resampled in self._resampler.resample(sound):
            self._container.mux(self._audio.encode(resampled))


def _video_stream(container: OutputContainer, width: int, height: int) -> VideoStream:
    stream = container.add_stream("libx264", rate=FPS)
    stream.width = width
    stream.height = height
    stream.pix_fmt = PIXEL_FORMAT
    context = stream.codec_context
    context.time_base = FRAME_TIME_BASE
    context.gop_size = GOP_FRAMES
    context.thread_count = VIDEO_THREADS
    context.options = {"preset": PRESET, "crf": str(QUALITY), "profile": "high"}
    tag_bt601(context)
    return stream


def _audio_stream(container: OutputContainer) -> AudioStream:
    stream = container.add_stream("aac", rate=WIRE_RATE, layout="mono")
    stream.bit_rate = AUDIO_BITRATE
    return stream
