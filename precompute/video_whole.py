"""Whether all of a video file is there, told from its outermost structure; no frame is looked at.

Players show what they find of a file that was cut short. Who makes an avatar of it should know instead.
"""

from __future__ import annotations

import os
from typing import BinaryIO

EBML = b"\x1a\x45\xdf\xa3"
"""How WebM and Matroska begin (RFC 8794)."""
STILL_BRANDS = frozenset("avif avis heic heix heim heis hevc hevx hevm hevs mif1 msf1".split())
"""``ftyp`` brands of pictures that share MP4's structure (ISO/IEC 23008-12, and AVIF's)."""
VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .qt .3gp .webm .mkv .avi .wmv .flv .mpg .mpeg .ts .mts .ogv".split()
)
_PICTURE_HEADS = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"BM", b"II*", b"MM\0*")
_NEEDED_BOXES = frozenset((b"ftyp", b"moov", b"moof", b"mdat"))
"""Of an MP4; what phones append behind these may be of any kind."""
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_MAX_STEPS = 200_000


def is_video(head: bytes, suffix: str = "") -> bool:
    """Whether a file begins as MP4, MOV or WebM do, or is called a video and begins like no picture.

    Args:
        head: its first 16 bytes or more.
        suffix: of its name, such as ``.mp4``.
    """
    if head.startswith(EBML):
        return True
    if head[4:8] == b"ftyp":
        return head[8:12].decode("latin-1").lower() not in STILL_BRANDS
    # QuickTime files of old begin with any of these.
    if head[4:8] in (b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot"):
        return True
    picture = head.startswith(_PICTURE_HEADS) or head[8:12] == b"WEBP"
    return suffix.lower() in VIDEO_SUFFIXES and not picture


def is_cut_short(source: BinaryIO) -> bool:
    """Whether the end of an MP4, MOV or WebM is missing; ``False`` for other kinds. Moves the position."""
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    head = source.read(4)
    source.seek(0)
    return _webm_cut_short(source, size) if head == EBML else _mp4_cut_short(source, size)


def _mp4_cut_short(source: BinaryIO, size: int) -> bool:
    place, known, found = 0, False, set[bytes]()
    for _ in range(_MAX_STEPS):
        if place + 8 > size:
            break
        source.seek(place)
        header = source.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - place
        if length < 8:
            break
        if kind in _NEEDED_BOXES:
            known = True
            found.add(kind)
            if place + length > size:
                return True
        place += length
    return known and b"moov" not in found


def _webm_cut_short(source: BinaryIO, size: int) -> bool:
    place = 0
    for _ in range(_MAX_STEPS):
        if place >= size:
            return False
        source.seek(place)
        header = source.read(12)
        identifier, after = _number(header, 0, keep_marker=True)
        length, end = _number(header, after, keep_marker=False)
        if not identifier or end > len(header):
            # Cut within an element's header, or no longer EBML, as what is appended behind a file.
            return place + len(header) >= size
        unknown = length == (1 << 7 * (end - after)) - 1
        if unknown and identifier in (_SEGMENT, _CLUSTER):
            place += end
            continue
        if place + end + length > size:
            return True
        # A segment of a known size ends within the file, and that is all there is to know.
        place += end + length
    return False


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """A number of variable length, and the place behind it; 0 where there is none."""
    if at >= len(data) or data[at] == 0:
        return 0, len(data) + 1
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        return 0, len(data) + 1
    value = int.from_bytes(data[at : at + length], "big")
    return value if keep_marker else value & ((1 << 7 * length) - 1), at + length
