"""H.264 for the live line: constrained baseline, every frame out at once, keyframes only on demand."""

from __future__ import annotations

from typing import Literal

import av
from av.video.codeccontext import VideoCodecContext

from streaming.encoders.base import EncodedVideo
from streaming.encoders.video import encode_frame, live_context
from streaming.timing import FPS

H264Codec = Literal["libx264", "h264_nvenc"]

QUALITY = 24
"""Constant rate factor. A quiet face then costs far less than the ceiling, a lively one is held to it."""

PRESET = "superfast"
"""Beside ``veryfast`` at factor 21: two thirds of the CPU time and the same bit rate, for 0.7 dB at 46 dB."""

NVENC_QUALITY = 24
"""NVENC's constant quality of about the same look."""

BUFFER_SECONDS = 0.5
"""Rate control window: what a keyframe may take is paid back within this time."""

LEVEL_3_1_MACROBLOCKS = 3_600
"""Largest frame of level 3.1 (ITU-T H.264 table A-1); browsers offer ``42e01f``, that is, level 3.1."""

LEVEL_3_1_MACROBLOCK_RATE = 108_000


class H264Encoder:
    """H.264 in Annex B form with SPS and PPS before each IDR.

    Opening takes a few milliseconds (NVENC: some hundred), so construct it in a worker thread too.

    Args:
        width: pixels, even.
        height: pixels, even.
        bitrate: ceiling in bits per second.
        codec: see :func:`streaming.encoders.probe.best_h264_codec`.

    Raises:
        ValueError: a side is odd or not positive.
        av.error.FFmpegError: the codec does not open on this machine.
    """

    def __init__(self, width: int, height: int, bitrate: int, codec: H264Codec = "libx264") -> None:
        self.codec = codec
        self._context: VideoCodecContext | None = _open(codec, width, height, bitrate)

    def encode(self, frame: av.VideoFrame, index: int, keyframe: bool) -> EncodedVideo:
        """Encode one frame.

        Args:
            frame: yuv420p, BT.601, limited range, of the encoder's size; its pixels are only read.
            index: slot index; rises, gaps are allowed.
            keyframe: make this an IDR.

        Returns:
            The whole access unit.

        Raises:
            ValueError: the frame has another size or format, or the encoder is closed.
            EngineFailed: the codec gave nothing back.
        """
        if self._context is None:
            raise ValueError("The encoder is closed.")
        return encode_frame(self._context, frame, index, keyframe)

    def close(self) -> None:
        """Release the codec; idempotent. Nothing waits inside, so nothing is lost."""
        self._context = None


def _open(codec: H264Codec, width: int, height: int, bitrate: int) -> VideoCodecContext:
    context = live_context(codec, width, height)
    buffer_bits = int(bitrate * BUFFER_SECONDS)
    options = {"forced-idr": "1", "maxrate": str(bitrate), "bufsize": str(buffer_bits), "profile": "baseline"}
    if codec == "libx264":
        # Scene cuts would slip in keyframes that no viewer asked for.
        options |= {"preset": PRESET, "tune": "zerolatency", "crf": str(QUALITY), "sc_threshold": "0"}
    else:
        options |= {
            "preset": "p4",
            "tune": "ull",
            "zerolatency": "1",
            "delay": "0",
            "rc": "vbr",
            "cq": str(NVENC_QUALITY),
            "no-scenecut": "1",
        }
    if _fits_level_3_1(width, height):
        options["level"] = "3.1"
    context.options = options
    context.open()
    return context


def _fits_level_3_1(width: int, height: int) -> bool:
    macroblocks = -(-width // 16) * -(-height // 16)
    return macroblocks <= LEVEL_3_1_MACROBLOCKS and macroblocks * FPS <= LEVEL_3_1_MACROBLOCK_RATE
