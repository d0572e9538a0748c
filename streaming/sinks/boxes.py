"""ISO base media boxes (ISO/IEC 14496-12) of a fragmented MP4 with one H.264 and one Opus track.

Written by hand because a muxer holds each packet back until it has seen the next one, which would cost
every viewer a slot of latency.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from streaming.encoders.annexb import LENGTH_BYTES
from streaming.encoders.bt601 import SMPTE170M
from streaming.encoders.opus import PRE_SKIP
from streaming.timing import OPUS_FRAME_SAMPLES, VIDEO_CLOCK_RATE, WIRE_RATE

VIDEO_TRACK = 1
AUDIO_TRACK = 2

MOVIE_TIMESCALE = 1_000
UNITY_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
LANGUAGE_UNDETERMINED = 0x55C4
RESOLUTION_72_DPI = 0x00480000
DEPTH_24 = 24

DEFAULT_BASE_IS_MOOF = 0x020000
TFHD_DURATION = 0x08
TFHD_FLAGS = 0x20
TRUN_DATA_OFFSET = 0x001
TRUN_DURATION = 0x100
TRUN_SIZE = 0x200
TRUN_FLAGS = 0x400

SAMPLE_SYNC = 0x02000000
"""Depends on no other sample."""

SAMPLE_DELTA = 0x01010000
"""Depends on others and is no sync sample."""


def box(name: bytes, *parts: bytes) -> bytes:
    """A box: size, name, content."""
    size = 8 + sum(map(len, parts))
    return b"".join((size.to_bytes(4, "big"), name, *parts))


def full_box(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags."""
    return box(name, (version << 24 | flags).to_bytes(4, "big"), *parts)


def init_segment(width: int, height: int, sps: bytes, pps: bytes) -> bytes:
    """``ftyp`` and ``moov``: what a player needs before the first fragment."""
    ftyp = box(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6", b"mp41")
    mvhd = full_box(
        b"mvhd", 0, 0, struct.pack(">IIIIIH10x", 0, 0, MOVIE_TIMESCALE, 0, 0x10000, 0x0100), UNITY_MATRIX,
        bytes(24), struct.pack(">I", AUDIO_TRACK + 1),
    )  # fmt: skip
    video = _track(
        VIDEO_TRACK, VIDEO_CLOCK_RATE, b"vide", _avc1(width, height, sps, pps), width=width, height=height
    )
    audio = _track(AUDIO_TRACK, WIRE_RATE, b"soun", _opus())
    mvex = box(b"mvex", _trex(VIDEO_TRACK), _trex(AUDIO_TRACK))
    return ftyp + box(b"moov", mvhd, video, audio, mvex)


def fragment(
    sequence: int,
    video: tuple[bytes, bool, int, int] | None,
    audio: Sequence[bytes],
    audio_time: int,
) -> bytes:
    """``moof`` and ``mdat``.

    Args:
        sequence: number of the fragment, from 1.
        video: sample, whether it is a keyframe, decode time and duration at 90 kHz; ``None`` for sound alone.
        audio: Opus packets of 20 ms.
        audio_time: decode time of the first one at 48 kHz.
    """
    # The data offsets count from the start of moof, whose size does not depend on their values.
    video_size = len(video[0]) if video else 0
    header = _moof(sequence, video, audio, audio_time, 0)
    offset = len(header) + 8
    header = _moof(sequence, video, audio, audio_time, offset)
    mdat_size = 8 + video_size + sum(map(len, audio))
    payload = (video[0], *audio) if video else audio
    return b"".join((header, mdat_size.to_bytes(4, "big"), b"mdat", *payload))


def _moof(
    sequence: int,
    video: tuple[bytes, bool, int, int] | None,
    audio: Sequence[bytes],
    audio_time: int,
    offset: int,
) -> bytes:
    parts = [full_box(b"mfhd", 0, 0, struct.pack(">I", sequence))]
    if video is not None:
        sample, keyframe, time, duration = video
        entry = struct.pack(
            ">IiIII", 1, offset, duration, len(sample), SAMPLE_SYNC if keyframe else SAMPLE_DELTA
        )
        parts.append(
            box(
                b"traf",
                full_box(b"tfhd", 0, DEFAULT_BASE_IS_MOOF, struct.pack(">I", VIDEO_TRACK)),
                full_box(b"tfdt", 1, 0, struct.pack(">Q", time)),
                full_box(b"trun", 0, TRUN_DATA_OFFSET | TRUN_DURATION | TRUN_SIZE | TRUN_FLAGS, entry),
            )
        )
        offset += len(sample)
    sizes = struct.pack(f">Ii{len(audio)}I", len(audio), offset, *map(len, audio))
    defaults = struct.pack(">III", AUDIO_TRACK, OPUS_FRAME_SAMPLES, SAMPLE_SYNC)
    parts.append(
        box(
            b"traf",
            full_box(b"tfhd", 0, DEFAULT_BASE_IS_MOOF | TFHD_DURATION | TFHD_FLAGS, defaults),
            full_box(b"tfdt", 1, 0, struct.pack(">Q", audio_time)),
            full_box(b"trun", 0, TRUN_DATA_OFFSET | TRUN_SIZE, sizes),
        )
    )
    return box(b"moof", *parts)


def _track(
    track: int, timescale: int, handler: bytes, entry: bytes, width: int = 0, height: int = 0
) -> bytes:
    sound = handler == b"soun"
    tkhd = full_box(
        b"tkhd", 0, 3, struct.pack(">IIIII8xHHHH", 0, 0, track, 0, 0, 0, 0, 0x0100 if sound else 0, 0),
        UNITY_MATRIX, struct.pack(">II", width << 16, height << 16),
    )  # fmt: skip
    mdhd = full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, timescale, 0, LANGUAGE_UNDETERMINED, 0))
    hdlr = full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"\x00")
    media_header = full_box(b"smhd", 0, 0, bytes(4)) if sound else full_box(b"vmhd", 0, 1, bytes(8))
    dinf = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    tables = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", media_header, dinf, tables)))


def _trex(track: int) -> bytes:
    return full_box(b"trex", 0, 0, struct.pack(">IIIII", track, 1, 0, 0, 0))


def _avc1(width: int, height: int, sps: bytes, pps: bytes) -> bytes:
    """Visual sample entry (ISO/IEC 14496-15) with the decoder configuration and the colours."""
    config = box(
        b"avcC",
        bytes((1, sps[1], sps[2], sps[3], 0xFC | (LENGTH_BYTES - 1), 0xE1)),
        len(sps).to_bytes(2, "big"), sps, b"\x01", len(pps).to_bytes(2, "big"), pps,
    )  # fmt: skip
    colour = box(b"colr", b"nclx", struct.pack(">HHHB", SMPTE170M, SMPTE170M, SMPTE170M, 0))
    fields = struct.pack(
        ">6xH16xHHIIIH32xHh", 1, width, height, RESOLUTION_72_DPI, RESOLUTION_72_DPI, 0, 1, DEPTH_24, -1
    )
    return box(b"avc1", fields, config, colour)


def _opus() -> bytes:
    """Audio sample entry: Encapsulation of Opus in ISO base media, version 0."""
    config = box(b"dOps", struct.pack(">BBHIhB", 0, 1, PRE_SKIP, WIRE_RATE, 0, 0))
    return box(b"Opus", struct.pack(">6xH8xHH4xI", 1, 1, 16, WIRE_RATE << 16), config)
