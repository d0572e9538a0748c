"""A background colour as a client names it, in the planes that frames are made of."""

from __future__ import annotations

import re

import numpy as np
from PIL import ImageColor

from streaming.compositor.planes import pack
from streaming.errors import BackgroundRejected

DEFAULT = "default"
LIGHT_GREY = "#e9ebee"
"""What is shown behind a person who has no background."""
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)

Yuv = tuple[int, int, int]


def colour(text: str | None) -> Yuv:
    """The Y, Cb and Cr (BT.601, limited range) of a colour.

    Args:
        text: ``#rrggbb``, ``#rgb``, one of CSS's names for colours, or ``default``; ``None`` is that, too.

    Raises:
        BackgroundRejected: it is none of these.
    """
    word = (DEFAULT if text is None else text).strip().lower()
    word = LIGHT_GREY if word == DEFAULT else word
    if not (_HEX.fullmatch(word) or word in ImageColor.colormap):
        raise BackgroundRejected(
            f"'{text}' is no colour. Write it like #e9ebee, or as a name of CSS such as white; default is "
            "the light grey that is shown without one."
        )
    red, green, blue = ImageColor.getrgb(word)[:3]
    packed = pack(np.full((2, 2, 3), (blue, green, red), np.uint8))
    return int(packed[0]), int(packed[4]), int(packed[5])
