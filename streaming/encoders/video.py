"""What every live video encoder has in common: one frame in, one encoded frame out, nothing held back."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from streaming.encoders.base import EncodedVideo
from streaming.encoders.bt601 import tag_bt601
from streaming.errors import EngineFailed
from streaming.timing import FPS, VIDEO_TICKS_PER_SLOT, VIDEO_TIME_BASE

PIXEL_FORMAT = "yuv420p"

GOP_FRAMES = 10 * FPS
"""Keyframes come on demand (a viewer joins, a packet is lost); this is only the far end."""


class VideoEncoder(Protocol):
    """Encodes one session's frames. Runs in a worker thread, one call at a time."""

    def encode(self, frame: av.VideoFrame, index: int, keyframe: bool) -> EncodedVideo:
        """Encode the frame of slot ``index``; indices rise, gaps are allowed."""
        ...

    def close(self) -> None:
        """Release the codec; idempotent."""
        ...


def live_context(name: str, width: int, height: int) -> VideoCodecContext:
    """A codec context for live encoding, not yet opened.

    Args:
        name: libav's name of the encoder.
        width: pixels, even.
        height: pixels, even.

    Raises:
        ValueError: a side is odd or not positive; 4:2:0 chroma needs even sides.
    """
    if width <= 0 or height <= 0 or width % 2 or height % 2:
        raise ValueError(
            f"A video of {width}x{height} cannot be encoded: both sides must be even and positive."
        )
    context = av.CodecContext.create(name, "w")
    if not isinstance(context, VideoCodecContext):
        raise ValueError(f"{name} is not a video encoder.")
    context.width = width
    context.height = height
    context.pix_fmt = PIXEL_FORMAT
    context.time_base = VIDEO_TIME_BASE
    context.framerate = Fraction(FPS)
    context.gop_size = GOP_FRAMES
    context.max_b_frames = 0
    context.thread_count = 1
    tag_bt601(context)
    return context


def encode_frame(
    context: VideoCodecContext, frame: av.VideoFrame, index: int, keyframe: bool
) -> EncodedVideo:
    """Push one frame through ``context``. Sets the frame's pts and picture type, copies no pixel.

    Raises:
        ValueError: the frame has another size or format, which libav would quietly rescale.
        EngineFailed: the codec kept the frame back.
    """
    if (frame.width, frame.height, frame.format.name) != (context.width, context.height, PIXEL_FORMAT):
        raise ValueError(
            f"Expected a {PIXEL_FORMAT} frame of {context.width}x{context.height}, "
            f"got {frame.format.name} {frame.width}x{frame.height}."
        )
    frame.pts = index * VIDEO_TICKS_PER_SLOT
    frame.time_base = VIDEO_TIME_BASE
    frame.pict_type = PictureType.I if keyframe else PictureType.NONE
    packets = context.encode(frame)
    if len(packets) == 1:
        return EncodedVideo(bytes(packets[0]), packets[0].is_keyframe)
    if not packets:
        raise EngineFailed(f"{context.name} held slot {index} back; a live encoder must answer every frame.")
    return EncodedVideo(b"".join(map(bytes, packets)), any(packet.is_keyframe for packet in packets))
