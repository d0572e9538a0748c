"""Things that come before a mouth: drawn hands, cups, microphones and telephones, and their way there."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
SIDE = 400
"""Pixels of the square that a thing is drawn in; what covers the mouth is in its middle."""


def hand(skin: tuple[int, int, int]) -> Image:
    """The back of a hand with four fingers aside, (SIDE, SIDE, 4) BGRA.

    Args:
        skin: its colour in BGR.
    """
    drawn = np.zeros((SIDE, SIDE, 4), np.uint8)
    base = np.array(skin, float)

    def shade(share: float) -> tuple[int, int, int, int]:
        b, g, r = (int(v) for v in np.clip(base * share, 0, 255))
        return b, g, r, 255

    cv2.line(drawn, (300, 250), (390, 395), shade(0.9), 110)
    cv2.ellipse(drawn, (250, 200), (95, 88), 20, 0, 360, shade(0.97), -1)
    for n, (x, y) in enumerate(((60, 120), (40, 165), (48, 210), (75, 252))):
        cv2.line(drawn, (230, 150 + 34 * n), (x, y), shade(0.75), 44)
        cv2.line(drawn, (230, 148 + 34 * n), (x, y - 2), shade(1.0 - 0.02 * n), 36)
        cv2.ellipse(drawn, (x - 2, y - 2), (12, 9), 0, 0, 360, shade(1.1), -1)
    cv2.line(drawn, (260, 130), (170, 60), shade(0.75), 48)
    cv2.line(drawn, (260, 128), (172, 58), shade(1.02), 40)
    return _lit(drawn)


def cup(colour: tuple[int, int, int] = (170, 110, 40)) -> Image:
    """A cup with its handle, (SIDE, SIDE, 4) BGRA."""
    drawn = np.zeros((SIDE, SIDE, 4), np.uint8)
    full = (*colour, 255)
    cv2.ellipse(drawn, (300, 210), (60, 60), 0, 0, 360, full, 26)
    cv2.fillConvexPoly(drawn, np.array([[90, 90], [300, 90], [275, 340], [115, 340]]), full)
    cv2.ellipse(drawn, (195, 90), (105, 26), 0, 0, 360, (*(int(v * 0.7) for v in colour), 255), -1)
    return _lit(drawn)


def microphone() -> Image:
    """A microphone's dark head and its handle, (SIDE, SIDE, 4) BGRA."""
    drawn = np.zeros((SIDE, SIDE, 4), np.uint8)
    cv2.line(drawn, (215, 230), (260, 398), (35, 35, 38, 255), 56)
    cv2.circle(drawn, (200, 190), 92, (62, 60, 60, 255), -1)
    for n in range(108, 290, 12):
        cv2.line(drawn, (n, 110), (n, 270), (92, 90, 90, 255), 2)
        cv2.line(drawn, (115, n - 8), (285, n - 8), (40, 40, 40, 255), 2)
    outside = cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (200, 190), 92, 255, -1)
    cv2.line(outside, (215, 230), (260, 398), 255, 56)
    drawn[outside == 0] = 0
    return _lit(drawn)


def telephone() -> Image:
    """A telephone's back, (SIDE, SIDE, 4) BGRA."""
    drawn = np.zeros((SIDE, SIDE, 4), np.uint8)
    cv2.fillConvexPoly(drawn, np.array([[110, 60], [300, 80], [280, 395], [90, 380]]), (28, 24, 22, 255))
    cv2.circle(drawn, (140, 105), 18, (80, 70, 60, 255), -1)
    return _lit(drawn)


def passing(
    frames: Iterable[Image],
    thing: Image,
    mouths: NDArray[np.floating],
    width: float,
    begin: int,
    end: int,
    moving: int = 8,
) -> Iterator[Image]:
    """Frames before which a thing comes up from below, stays before the mouth, and goes again.

    Args:
        frames: (H, W, 3) BGR.
        thing: (h, w, 4) BGRA.
        mouths: (N, 2) the mouth's middle in each frame.
        width: of the thing in pixels.
        begin: the first frame in which it stays before the mouth.
        end: the one behind the last.
        moving: frames that it takes to come and to go.
    """
    scale = width / thing.shape[1]
    for index, frame in enumerate(frames):
        away = max(begin - index, index - end + 1, 0) / moving
        if away >= 1:
            yield frame
            continue
        drop = away**1.5 * (frame.shape[0] - mouths[index, 1] + width)
        tremble = 0.02 * width * np.array([np.sin(index * 0.7), np.cos(index * 0.9)])
        corner = mouths[index] + (0, drop) + tremble - 0.5 * width
        move = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
        placed = cv2.warpAffine(thing, move, frame.shape[1::-1], flags=cv2.INTER_AREA)
        alpha = placed[..., 3:].astype(np.float32) / 255
        yield np.clip(frame * (1 - alpha) + placed[..., :3] * alpha + 0.5, 0, 255).astype(np.uint8)


def _lit(drawn: Image) -> Image:
    """Light from above left, some grain, and soft edges."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    light = 1.12 - 0.22 * (0.4 * x + 0.6 * y) + rng.normal(0, 0.02, (SIDE, SIDE))
    drawn[..., :3] = np.clip(drawn[..., :3] * light[..., None], 0, 255)
    drawn[..., 3] = cv2.GaussianBlur(drawn[..., 3], (0, 0), 2.0)
    return drawn
