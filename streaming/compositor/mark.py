"""A small text in the corner of every frame, which says that what is seen is synthetic.

Text and its dark box are drawn once for each size of frames; a frame then costs one multiplication and one
addition for the few pixels of the box.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from streaming.compositor.planes import Plane, Planes

MOST_LETTERS = 40
LETTER_HEIGHT = 0.033
"""Of the frame's shorter side."""
SMALLEST = 11
"""Pixels; smaller letters cannot be read."""
MARGIN = 0.5
"""Between text and box, and between box and frame: share of the letters' height."""
WIDEST = 0.9
"""Of the frame's width."""
BOX_OPACITY, TEXT_OPACITY = 0.5, 0.95
PROBE_SIZE = 24
NO_LETTER = "\U0010ffff"
WHITE, BLACK, NEUTRAL = 235, 16, 128
"""Luma in limited range, and chroma of greys."""

Sums = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A text for frames of one size; shared, never written.

    Attributes:
        rect: x, y, width, height, all even.
        opacity: (height, width) float32, 0..1.
        luma: (height, width) float32 of the mark alone.
        kept: for luma and chroma, 0..256 of what is under it that stays.
        added: for luma and chroma, what comes to it, and the half that rounds.
    """

    rect: tuple[int, int, int, int]
    opacity: NDArray[np.float32]
    luma: NDArray[np.float32]
    kept: tuple[Sums, Sums]
    added: tuple[Sums, Sums]

    def draw(self, frame: Planes) -> None:
        """Draw it into a frame of its size."""
        window = frame.window(*self.rect)
        for plane, size in ((window.y, 0), (window.u, 1), (window.v, 1)):
            sums = np.multiply(plane, self.kept[size], dtype=np.uint16)
            sums += self.added[size]
            sums >>= 8
            plane[:] = sums

    def draw_alone(self, frame: Planes, alpha: Plane) -> None:
        """Draw it into straight colours and their alpha, where perhaps nothing is under it."""
        x, y, width, height = self.rect
        window, shown = frame.window(*self.rect), alpha[y : y + height, x : x + width]
        under = shown / np.float32(255) * (1 - self.opacity)
        whole = self.opacity + under
        half = (width // 2, height // 2)
        parts = [cv2.resize(part, half, interpolation=cv2.INTER_AREA) for part in (under, self.opacity)]
        _mix(window.y, under, self.opacity, self.luma)
        for plane in (window.u, window.v):
            _mix(plane, parts[0], parts[1], NEUTRAL)
        shown[:] = np.rint(whole * 255).astype(np.uint8)


def _mix(plane: Plane, under: NDArray, over: NDArray, colour: NDArray[np.float32] | float) -> None:
    """The straight colour of two that are seen to these shares; any where neither is seen."""
    mixed = (plane * under + over * colour) / np.maximum(under + over, 1e-6)
    plane[:] = np.where(under + over > 0, np.rint(mixed), plane).astype(np.uint8)


def mark_of(text: str, width: int, height: int, font: str = "") -> Mark:
    """A mark in the lower right corner.

    Args:
        text: one line; see :func:`can_be_drawn`.
        width: of the frames in pixels, even.
        height: of the frames in pixels, even.
        font: file of a TrueType or OpenType font; Pillow's own when empty.
    """
    size = max(SMALLEST, LETTER_HEIGHT * min(width, height))
    length = _font(font, size).getlength(text)
    if length > WIDEST * width:
        size *= WIDEST * width / length
    letter, space = _font(font, size), MARGIN * size
    ascent, descent = letter.getmetrics()
    w, h = (min(limit, round(n / 2) * 2) for n, limit in (
        (letter.getlength(text) + 2 * space, width), (ascent + descent + space, height),
    ))  # fmt: skip
    picture = Image.new("L", (w, h), 0)
    ImageDraw.Draw(picture).text((w / 2, h / 2), text, fill=255, font=letter, anchor="mm")
    letters = np.asarray(picture, np.float32) * np.float32(TEXT_OPACITY / 255)
    opacity = np.asarray(letters + (1 - letters) * np.float32(BOX_OPACITY), np.float32)
    shades = letters * WHITE + (1 - letters) * np.float32(BOX_OPACITY * BLACK)
    luma = np.asarray(shades / opacity, np.float32)
    rect = (_even(width - w - space), _even(height - h - space), w, h)
    chroma = cv2.resize(opacity, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    planes = ((opacity, luma), (np.asarray(chroma, np.float32), np.float32(NEUTRAL)))
    kept = tuple(np.rint(256 * (1 - share)).astype(np.uint16) for share, _ in planes)
    # What is kept and what is added come to 256 parts, so that nothing leaves the 8 bits.
    added = tuple(
        np.rint((256 - keeps.astype(np.float32)) * colour).astype(np.uint16) + np.uint16(128)
        for keeps, (_, colour) in zip(kept, planes, strict=True)
    )
    return Mark(rect, opacity, luma, (kept[0], kept[1]), (added[0], added[1]))


def can_be_drawn(text: str, font: str = "") -> bool:
    """Whether a font has all letters of a text.

    Args:
        text: one line.
        font: file of the font; Pillow's own, which has those of English, when empty.

    Raises:
        OSError: there is no such font.
    """
    letter = _font(font, PROBE_SIZE)
    missing = _drawn(letter, NO_LETTER)
    return all(c == " " or (c.isprintable() and _drawn(letter, c) != missing) for c in text)


def _drawn(font: ImageFont.FreeTypeFont, text: str) -> bytes:
    picture = Image.new("L", (2 * PROBE_SIZE, 2 * PROBE_SIZE), 0)
    ImageDraw.Draw(picture).text((0, 0), text, fill=255, font=font)
    return picture.tobytes()


def _font(path: str, size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(path, size) if path else ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("this Pillow was built without FreeType")
    return font


def _even(place: float) -> int:
    return max(0, int(place) // 2 * 2)
