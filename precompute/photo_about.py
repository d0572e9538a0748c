"""What a photo's file is, and what was done to it when it was opened."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from precompute.photo import WORKING_SIDE, formats

ORIENTATION = 0x0112
"""Tag of EXIF."""
_TURNS = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "mirrored and turned by 180 degrees",
    5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees",
    7: "mirrored and turned by 90 degrees",
    8: "turned by 90 degrees",
}


def about_photo(source: bytes | Path, width: int, height: int) -> dict[str, Any]:
    """Look at the header of a photo that was opened.

    Args:
        source: as ``precompute.photo.open_photo`` took it.
        width: of the picture that came out, in pixels.
        height: likewise.

    Returns:
        ``format``, ``width`` and ``height`` as the file has them, ``orientation`` (EXIF's number), and
        ``done``: what was done to it, in words.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    with Image.open(file, formats=formats()) as picture:
        wide, high = picture.size
        orientation = _orientation(picture)
        done = [_TURNS[orientation]] if orientation in _TURNS else []
        # Not n_frames, which goes through all of them; a file of some megabytes may hold a million.
        if getattr(picture, "is_animated", False):
            done.append("the first picture of several taken")
        if picture.mode == "CMYK":
            done.append("inks (CMYK) turned into colours of light")
        if picture.mode.startswith("I") or picture.mode == "F":
            done.append("brought to 8 bits per colour")
        if "A" in picture.getbands() or "transparency" in picture.info:
            done.append("put over light grey where it is transparent")
        if picture.info.get("icc_profile"):
            done.append("colours brought to sRGB by its profile")
        if max(wide, high) > WORKING_SIDE:
            done.append(f"made smaller, {width} x {height}")
        return {
            "format": picture.format or "",
            "width": wide,
            "height": high,
            "orientation": orientation,
            "done": done,
        }


def _orientation(picture: Image.Image) -> int:
    """1 where the file says nothing, or nonsense."""
    try:
        found = picture.getexif().get(ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, LookupError):
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1
