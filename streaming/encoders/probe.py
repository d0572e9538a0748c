"""Which H.264 encoder works on this machine. Being listed proves nothing, so one is opened for real."""

from __future__ import annotations

import logging

import av
from av.error import FFmpegError

from streaming.encoders.h264 import H264Codec, H264Encoder

PROBE_SIDE = 256
PROBE_BITRATE = 1_000_000

log = logging.getLogger(__name__)


def works(codec: H264Codec) -> bool:
    """Whether ``codec`` opens here and turns a frame into a keyframe."""
    try:
        encoder = H264Encoder(PROBE_SIDE, PROBE_SIDE, PROBE_BITRATE, codec)
        return encoder.encode(av.VideoFrame(PROBE_SIDE, PROBE_SIDE, "yuv420p"), 0, True).keyframe
    except (FFmpegError, ValueError) as error:
        log.debug("%s does not work here: %s", codec, error)
        return False


def best_h264_codec() -> H264Codec:
    """NVENC where a card has it (T4 and L4 do, A100 and H100 do not), else x264.

    Takes up to a second; ask once at start-up, in a worker thread.
    """
    return "h264_nvenc" if works("h264_nvenc") else "libx264"


def open_h264(width: int, height: int, bitrate: int, codec: H264Codec) -> H264Encoder:
    """An encoder of the wanted kind; x264 when a card refuses one more (consumer cards count sessions).

    Raises:
        ValueError: a side is odd or not positive.
    """
    if codec != "libx264":
        try:
            return H264Encoder(width, height, bitrate, codec)
        except FFmpegError as error:
            log.warning("%s is not available (%s); this session encodes with libx264", codec, error)
    return H264Encoder(width, height, bitrate)
