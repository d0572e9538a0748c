"""HEIC photos, as phones take them, where the extra ``heif`` is installed.

Pillow does not read them by itself. ``pi-heif`` adds it: its wheels carry libheif and libde265
(LGPL-3.0) and, unlike those of ``pillow-heif``, no encoder under the GPL.
"""

from __future__ import annotations

import importlib.util

from precompute.video_whole import STILL_BRANDS

FORMAT = "HEIF"
"""What Pillow calls it."""
INSTALL = 'pip install "lipstream[heif]"'
_AVIF_BRANDS = frozenset(("avif", "avis"))


def is_heif(head: bytes) -> bool:
    """Whether a file begins as HEIC and HEIF do; AVIF, which Pillow reads, is none.

    Args:
        head: its first 16 bytes or more.
    """
    brand = head[8:12].decode("latin-1").lower()
    return head[4:8] == b"ftyp" and brand in STILL_BRANDS - _AVIF_BRANDS


def is_installed() -> bool:
    """Whether the extra is installed; nothing is loaded."""
    return importlib.util.find_spec("pi_heif") is not None


def have_pillow_read_it() -> bool:
    """Let Pillow know the format, and say whether it does; may be called as often as wanted."""
    if not is_installed():
        return False
    import pi_heif

    # None of the smaller pictures that come along. One thread: servers have their own.
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return True
