"""What a stranger's file is meant as, told from its first bytes; its name says nothing."""

from __future__ import annotations

from typing import Literal

from precompute.video_whole import STILL_BRANDS, is_video

SourceKind = Literal["photo", "video"]

HEAD_BYTES = 16
"""That :func:`kind_of` looks at."""

_PICTURES = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
)
"""How JPEG, PNG, GIF, BMP, TIFF and BigTIFF begin."""


def kind_of(head: bytes) -> SourceKind | None:
    """Whether a file begins as the photos or videos do that are opened here; ``None``: as neither.

    Args:
        head: its first :data:`HEAD_BYTES`, or all of a shorter one.
    """
    if is_video(head):
        return "video"
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "photo"
    still = head[4:8] == b"ftyp" and head[8:12].decode("latin-1").lower() in STILL_BRANDS
    return "photo" if still else None
