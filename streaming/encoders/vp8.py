"""VP8 for viewers that do not take H.264."""

from __future__ import annotations

import av
from av.video.codeccontext import VideoCodecContext

from streaming.encoders.base import EncodedVideo
from streaming.encoders.video import encode_frame, live_context

SPEED = -6
"""libvpx' ``cpu-used`` in realtime mode: a negative value is a fixed speed, so the cost does not swing."""

BUFFER_SECONDS = 0.5
MIN_QUANTIZER = 24
"""Finer is hardly seen, and a quiet face would fill the whole bit rate; here it looks like x264 at its own
quality."""

MAX_QUANTIZER = 56


class Vp8Encoder:
    """VP8 frames, one for each frame given.

    Args:
        width: pixels, even.
        height: pixels, even.
        bitrate: target in bits per second.

    Raises:
        ValueError: a side is odd or not positive.
    """

    def __init__(self, width: int, height: int, bitrate: int) -> None:
        self._context: VideoCodecContext | None = _open(width, height, bitrate)

    def encode(self, frame: av.VideoFrame, index: int, keyframe: bool) -> EncodedVideo:
        """Encode one frame.

        Args:
            frame: yuv420p, BT.601, limited range, of the encoder's size; its pixels are only read.
            index: slot index; rises, gaps are allowed.
            keyframe: make this a keyframe.

        Raises:
            ValueError: the frame has another size or format, or the encoder is closed.
            EngineFailed: the codec gave nothing back.
        """
        if self._context is None:
            raise ValueError("The encoder is closed.")
        return encode_frame(self._context, frame, index, keyframe)

    def close(self) -> None:
        """Release the codec; idempotent."""
        self._context = None


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
