"""An MP4 file: H.264 and AAC whose streams and container all last exactly as long as their slots."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
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
from streaming.encoders.video import PIXEL_FORMAT
from streaming.errors import ScriptRejected
from streaming.timing import FPS, SLOT_SAMPLES, SLOT_SECONDS, SPEECH_RATE, WIRE_RATE

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
        audio_bitrate: bits per second of the AAC stream.
        crf: x264's constant rate factor; lower is finer.
        preset: x264's preset.

    Raises:
        ValueError: a side is odd or not positive.
        OSError: the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        audio_bitrate: int = 128_000,
        crf: int = 20,
        preset: str = "veryfast",
    ) -> None:
        if width <= 0 or height <= 0 or width % 2 or height % 2:
            raise ValueError(
                f"A video of {width}x{height} cannot be encoded: both sides must be even and positive."
            )
        self.path = path
        self.frames = 0
        self._partial = path.with_name(f".{path.name}{PARTIAL_SUFFIX}")
        self._finished = False
        self._container: OutputContainer = av.open(
            str(self._partial), "w", format="mp4", options={"movflags": "+faststart"}
        )
        try:
            self._video = _video_stream(self._container, width, height, crf, preset)
            self._audio = _audio_stream(self._container, audio_bitrate)
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
        if (frame.width, frame.height, frame.format.name) != (
            self._video.width,
            self._video.height,
            PIXEL_FORMAT,
        ):
            raise ValueError(
                f"Expected a {PIXEL_FORMAT} frame of {self._video.width}x{self._video.height}, "
                f"got {frame.format.name} {frame.width}x{frame.height}."
            )
        if samples.shape != (SLOT_SAMPLES,):
            raise ValueError(f"A slot has {SLOT_SAMPLES} samples, got an array of shape {samples.shape}.")
        frame.pts = self.frames
        frame.time_base = Fraction(1, FPS)
        frame.pict_type = PictureType.NONE
        self._container.mux(self._video.encode(frame))
        sound = av.AudioFrame.from_ndarray(
            samples.reshape(1, -1).astype(np.float32, copy=False), format="flt", layout="mono"
        )
        sound.sample_rate = SPEECH_RATE
        sound.pts = self.frames * SLOT_SAMPLES
        sound.time_base = Fraction(1, SPEECH_RATE)
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


def _video_stream(container: OutputContainer, width: int, height: int, crf: int, preset: str) -> VideoStream:
    stream = container.add_stream("libx264", rate=FPS)
    stream.width = width
    stream.height = height
    stream.pix_fmt = PIXEL_FORMAT
    context = stream.codec_context
    context.time_base = Fraction(1, FPS)
    context.gop_size = GOP_FRAMES
    context.thread_count = VIDEO_THREADS
    context.options = {"preset": preset, "crf": str(crf), "profile": "high"}
    tag_bt601(context)
    return stream


def _audio_stream(container: OutputContainer, bitrate: int) -> AudioStream:
    stream = container.add_stream("aac", rate=WIRE_RATE, layout="mono")
    stream.bit_rate = bitrate
    return stream
