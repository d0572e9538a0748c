"""VP8 for viewers that do not take H.264."""

from __future__ import annotations

from av.video.codeccontext import VideoCodecContext

from streaming.encoders.video import BUFFER_SECONDS, VideoEncoder, live_context

SPEED = -6
"""libvpx' ``cpu-used`` in realtime mode: a negative value is a fixed speed, so the cost does not swing."""

MIN_QUANTIZER = 24
"""Finer is hardly seen, and a quiet face would fill the whole bit rate; here it looks like x264 at its own
quality."""

MAX_QUANTIZER = 56


class Vp8Encoder(VideoEncoder):
    """VP8 frames.

    Args:
        width: pixels, even.
        height: pixels, even.
        bitrate: target in bits per second.

    Raises:
        ValueError: a side is odd or not positive.
    """

    def __init__(self, width: int, height: int, bitrate: int) -> None:
        super().__init__(_open(width, height, bitrate))


def _open(width: int, height: int, bitrate: int) -> VideoCodecContext:
    context = live_context("libvpx", width, height)
    context.bit_rate = bitrate
    context.qmin = MIN_QUANTIZER
    context.qmax = MAX_QUANTIZER
    context.options = {
        "deadline": "realtime",
        "cpu-used": str(SPEED),
        "lag-in-frames": "0",
        "minrate": str(bitrate),
        "maxrate": str(bitrate),
        "bufsize": str(int(bitrate * BUFFER_SECONDS)),
        "static-thresh": "1",
    }
    context.open()
    return context
