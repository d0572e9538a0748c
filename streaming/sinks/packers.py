"""How slots become binary messages of a WebSocket."""

from __future__ import annotations

import struct
from typing import Literal, Protocol

from streaming.encoders.annexb import codec_string, parameter_sets
from streaming.encoders.base import EncodedSlot
from streaming.encoders.sps import picture_size
from streaming.protocol import MediaFormat
from streaming.timing import FPS, OPUS_FRAME_SECONDS, SLOT_SECONDS, WIRE_RATE

HEADER = struct.Struct("<BBHIQ")
"""kind, flags, reserved, slot index, timestamp in microseconds; little-endian, 16 bytes."""

KIND_VIDEO = 1
KIND_AUDIO = 2
FLAG_KEY = 1

MICROSECONDS = 1_000_000
SLOT_MICROSECONDS = round(SLOT_SECONDS * MICROSECONDS)
OPUS_MICROSECONDS = round(OPUS_FRAME_SECONDS * MICROSECONDS)


class Packer(Protocol):
    """Packs the slots that one viewer really gets, in order. The first one must hold a keyframe."""

    def describe(self, slot: EncodedSlot) -> MediaFormat:
        """How to read what :meth:`pack` makes from ``slot`` on; ``slot`` holds a keyframe."""
        ...

    def pack(self, slot: EncodedSlot) -> list[bytes]:
        """The slot's messages, in the order of sending."""
        ...


def stream_size(sps: bytes, expected: tuple[int, int]) -> tuple[int, int]:
    """Width and height as the stream says (they change with the avatar), or what was expected."""
    try:
        return picture_size(sps)
    except ValueError:
        return expected


def media_format(
    format: Literal["webcodecs", "fmp4"], slot: EncodedSlot, expected: tuple[int, int]
) -> MediaFormat:
    """What every packer says of its stream; ``slot`` holds a keyframe.

    Args:
        format: how slots are packed.
        slot: where the stream begins, or changes.
        expected: width and height, should the stream not say.
    """
    sps, _ = parameter_sets(slot.video["h264"].data)
    width, height = stream_size(sps, expected)
    return MediaFormat(
        format=format,
        width=width,
        height=height,
        fps=FPS,
        video_codec=codec_string(sps),
        audio_codec="opus",
        sample_rate=WIRE_RATE,
    )


class WebCodecsPacker:
    """One encoded chunk per message, for ``VideoDecoder`` and ``AudioDecoder`` (Annex B, raw Opus packets).

    Timestamps count from slot 0 of the session. Sound goes first: a large keyframe must not hold it up.

    Args:
        width: pixels of the video, should the stream not say.
        height: pixels of the video, should the stream not say.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)

    def describe(self, slot: EncodedSlot) -> MediaFormat:
        """See :class:`Packer`."""
        return media_format("webcodecs", slot, self._size)

    def pack(self, slot: EncodedSlot) -> list[bytes]:
        """See :class:`Packer`: two messages of sound, then one of video unless the slot has none."""
        time = slot.index * SLOT_MICROSECONDS
        messages = [
            HEADER.pack(KIND_AUDIO, FLAG_KEY, 0, slot.index, time + i * OPUS_MICROSECONDS) + packet
            for i, packet in enumerate(slot.audio)
        ]
        video = slot.video.get("h264")
        if video is not None:
            flags = FLAG_KEY if video.keyframe else 0
            messages.append(HEADER.pack(KIND_VIDEO, flags, 0, slot.index, time) + video.data)
        return messages
