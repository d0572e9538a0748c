"""H.264 for the live line: constrained baseline, every frame out at once, keyframes only on demand."""

from __future__ import annotations

from typing import Literal

from av.video.codeccontext import VideoCodecContext

from streaming.encoders.video import BUFFER_SECONDS, VideoEncoder, live_context
from streaming.timing import FPS

H264Codec = Literal["libx264", "h264_nvenc"]

QUALITY = 24
"""Constant rate factor. A quiet face then costs far less than the ceiling, a lively one is held to it."""

PRESET = "superfast"
"""Beside ``veryfast`` at factor 21: two thirds of the CPU time and the same bit rate, for 0.7 dB at 46 dB."""

NVENC_QUALITY = 24
"""NVENC's constant quality of about the same look."""

LEVEL_3_1_MACROBLOCKS = 3_600
"""Largest frame of level 3.1 (ITU-T H.264 table A-1); browsers offer ``42e01f``, that is, level 3.1."""

LEVEL_3_1_MACROBLOCK_RATE = 108_000


class H264Encoder(VideoEncoder):
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
        super().__init__(_open(codec, width, height, bitrate))
        self.codec = codec


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
