"""What every live video encoder has in common: one frame in, one encoded frame out, nothing held back."""

from __future__ import annotations

from fractions import Fraction

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


BUFFER_SECONDS = 0.5
"""Rate control window: what a keyframe may take is paid back within this time."""


class VideoEncoder:
    """Encodes one session's frames, one for each frame given. Runs in a worker thread, one call at a time.

    Args:
        context: an opened codec from :func:`live_context`.
    """

    def __init__(self, context: VideoCodecContext) -> None:
        self._context: VideoCodecContext | None = context

    def encode(self, frame: av.VideoFrame, index: int, keyframe: bool) -> EncodedVideo:
        """Encode one frame. Sets its pts and picture type, copies no pixel.

        Args:
            frame: yuv420p, BT.601, limited range, of the encoder's size; its pixels are only read.
            index: slot index; rises, gaps are allowed.
            keyframe: make this a keyframe (H.264: an IDR).

        Returns:
            All of the frame: a VP8 frame, or an H.264 access unit.

        Raises:
            ValueError: the frame has another size or format, or the encoder is closed.
            EngineFailed: the codec kept the frame back.
        """
        if self._context is None:
            raise ValueError("The encoder is closed.")
        return _encode(self._context, frame, index, keyframe)

    def close(self) -> None:
        """Release the codec; idempotent. Nothing waits inside, so nothing is lost."""
        self._context = None


def check_size(width: int, height: int) -> None:
    """Refuse a size that no encoder takes.

    Raises:
        ValueError: a side is odd or not positive; 4:2:0 chroma needs even sides.
    """
    if width <= 0 or height <= 0 or width % 2 or height % 2:
        raise ValueError(
            f"A video of {width}x{height} cannot be encoded: both sides must be even and positive."
        )


def check_frame(frame: av.VideoFrame, width: int, height: int) -> None:
    """Refuse a frame that libav would quietly rescale.

    Raises:
        ValueError: the frame has another size or format.
    """
    if (frame.width, frame.height, frame.format.name) != (width, height, PIXEL_FORMAT):
        raise ValueError(
            f"Expected a {PIXEL_FORMAT} frame of {width}x{height}, "
            f"got {frame.format.name} {frame.width}x{frame.height}."
        )


def live_context(name: str, width: int, height: int) -> VideoCodecContext:
    """A codec context for live encoding, not yet opened.

    Args:
        name: libav's name of the encoder.
        width: pixels, even.
        height: pixels, even.

    Raises:
        ValueError: a side is odd or not positive; 4:2:0 chroma needs even sides.
    """
    check_size(width, height)
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


def _encode(context: VideoCodecContext, frame: av.VideoFrame, index: int, keyframe: bool) -> EncodedVideo:
    check_frame(frame, context.width, context.height)
    frame.pts = index * VIDEO_TICKS_PER_SLOT
    frame.time_base = VIDEO_TIME_BASE
    frame.pict_type = PictureType.I if keyframe else PictureType.NONE
    packets = context.encode(frame)
    if len(packets) == 1:
        return EncodedVideo(bytes(packets[0]), packets[0].is_keyframe)
    if not packets:
        raise EngineFailed(f"{context.name} held slot {index} back; a live encoder must answer every frame.")
    return EncodedVideo(b"".join(map(bytes, packets)), any(packet.is_keyframe for packet in packets))
