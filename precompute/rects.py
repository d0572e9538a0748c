"""Even rectangles over a still and the soft edges of what is pasted there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from precompute.curves import smoothstep

Rect = tuple[int, int, int, int]
"""x, y, width, height in pixels; all even, so that chroma planes line up."""

UNTOUCHED = 5
"""Pixels along a pasted picture's edge that keep the still, so that sharpening changes nothing there."""


def even_rect(low: NDArray[np.floating], high: NDArray[np.floating], size: int) -> Rect:
    """The even rectangle around two corners (x, y), inside a still of ``size`` x ``size``."""
    x0, y0 = (max(0, int(np.floor(v / 2)) * 2) for v in low)
    x1, y1 = (min(size // 2 * 2, int(np.ceil(v / 2)) * 2) for v in high)
    return x0, y0, x1 - x0, y1 - y0


def feather(rect: Rect, width: float) -> NDArray[np.float32]:
    """Cover (h, w) of a pasted picture: 0 along its edges, rising to 1 over ``width`` pixels.

    An edge that lies on the still's own rim is feathered too: the picture is always equal to the still there.
    """
    _, _, w, h = rect
    x = np.minimum(np.arange(w), w - 1 - np.arange(w))
    y = np.minimum(np.arange(h), h - 1 - np.arange(h))
    edge = np.minimum(x[None], y[:, None])
    return smoothstep(UNTOUCHED - 1, UNTOUCHED + max(width, 2.0), edge).astype(np.float32)
