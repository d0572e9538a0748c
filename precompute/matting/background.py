"""What stands behind the person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from precompute.errors import AvatarRejected

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]

BLUR = 0.03
"""Of the picture's side: the blur's standard deviation."""
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


class Background(Protocol):
    """Makes the new background of a picture."""

    def behind(self, image: Image, alpha: Alpha) -> Image:
        """(H, W, 3) BGR for a picture of this shape and its matte (H, W), 0..1."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """One colour, BGR 0..255."""

    bgr: tuple[int, int, int]

    def behind(self, image: Image, alpha: Alpha) -> Image:
        """A picture of that colour."""
        return np.full(image.shape, self.bgr, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A (h, w, 3) BGR picture of any size; scaled to cover everything, and cut to its middle."""

    picture: Image

    def behind(self, image: Image, alpha: Alpha) -> Image:
        """The middle of the picture."""
        height, width = image.shape[:2]
        h, w = self.picture.shape[:2]
        scale = max(height / h, width / w)
        size = max(width, round(w * scale)), max(height, round(h * scale))
        fitted = cv2.resize(
            self.picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        )
        top, left = (size[1] - height) // 2, (size[0] - width) // 2
        return np.ascontiguousarray(fitted[top : top + height, left : left + width], np.uint8)


@dataclass(frozen=True, slots=True)
class Blurred:
    """The photo's own background out of focus. The person's colours do not run into it."""

    def behind(self, image: Image, alpha: Alpha) -> Image:
        """The background, blurred; where the person hides it, from what is around."""
        side = max(image.shape[:2])
        share = 1 - alpha
        total, weight = np.zeros(image.shape, np.float32), np.zeros(alpha.shape, np.float32)
        # Wider windows reach behind the middle of the person, and count for nothing where narrow ones see.
        for level in range(4):
            sigma = side * BLUR * 2**level
            small = max(1, round(sigma / 8))
            size = (max(1, image.shape[1] // small), max(1, image.shape[0] // small))
            part = cv2.resize(image * share[..., None], size, interpolation=cv2.INTER_AREA)
            seen = cv2.resize(share, size, interpolation=cv2.INTER_AREA)
            whole = (image.shape[1], image.shape[0])
            trust = 100.0**-level
            total += trust * cv2.resize(cv2.GaussianBlur(part, (0, 0), sigma / small), whole)
            weight += trust * cv2.resize(cv2.GaussianBlur(seen, (0, 0), sigma / small), whole)
        return np.clip(total / np.maximum(weight, 1e-9)[..., None] + 0.5, 0, 255).astype(np.uint8)


def colour(text: str) -> Plain:
    """A background of one colour.

    Args:
        text: ``#rrggbb``, ``#rgb``, or one of CSS's names for colours.

    Raises:
        AvatarRejected: ``bad_background``: it is neither.
    """
    word = text.strip().lower()
    if _HEX.fullmatch(word) or word in ImageColor.colormap:
        red, green, blue = ImageColor.getrgb(word)[:3]
        return Plain((blue, green, red))
    raise AvatarRejected(
        "bad_background",
        f"'{text}' is no background. Give a colour (#e8ebee, or a name such as white), a picture file, "
        "blur or keep.",
    )


def composite(colours: Image, alpha: Alpha, behind: Image) -> Image:
    """Put a person of (H, W, 3) colours and a (H, W) matte before a (H, W, 3) background."""
    share = alpha[..., None]
    mixed = colours * share + behind * (1 - share)
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
