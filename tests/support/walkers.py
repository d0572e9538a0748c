"""Somebody drawn who moves, and mattes as networks would say them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from tests.support.mattes import body

SIDE = 192
Image = np.ndarray


class Walker:
    """A textured body before a textured wall, with a camera's noise.

    ``x`` says how far to the right it is in each frame. Frames are (SIDE, SIDE, 3) and have their number in
    the first pixel.
    """

    def __init__(self, count: int, x: Callable[[int], float] = lambda n: 0.0, noise: float = 2.0) -> None:
        rng = np.random.default_rng(5)
        self.count, self.x = count, x
        self._alpha, self._points = body(SIDE)
        self._alpha = cv2.GaussianBlur(self._alpha, (0, 0), 1.0)
        self._cloth = _texture(rng, (40, 60, 150))
        self._wall = _texture(rng, (150, 160, 90))
        self._noise = rng.normal(0, noise, (7, SIDE, SIDE, 3))

    def frames(self) -> Iterator[Image]:
        return (self.frame(n) for n in range(self.count))

    def frame(self, n: int) -> Image:
        alpha = self.truth(n)[..., None]
        mixed = self._moved(self._cloth, n) * alpha + self._wall * (1 - alpha) + self._noise[n % 7]
        picture = np.clip(mixed, 0, 255).astype(np.uint8)
        picture[0, 0] = n
        return picture

    def truth(self, n: int) -> Image:
        return self._moved(self._alpha, n)

    def landmarks(self) -> Image:
        return np.array([self._points + np.array([self.x(n), 0]) for n in range(self.count)], np.float32)

    def _moved(self, picture: Image, n: int) -> Image:
        move = np.array([[1.0, 0, self.x(n)], [0, 1, 0]])
        return cv2.warpAffine(picture, move, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


class Gestures(Walker):
    """A square of another colour comes to the side of the head at a frame, and is part of the person."""

    COMES = 21
    WHERE = np.s_[40:80, 145:180]

    def frame(self, n: int) -> Image:
        picture = super().frame(n)
        if n >= self.COMES:
            picture[self.WHERE] = np.clip(self._noise[n % 7][self.WHERE] + (120, 160, 220), 0, 255)
        return picture

    def truth(self, n: int) -> Image:
        alpha = super().truth(n).copy()
        if n >= self.COMES:
            alpha[self.WHERE] = 1.0
            alpha[56:64, 120:150] = 1.0
        return alpha


class Teller:
    """A matter that knows the truth, and errs where it is told to."""

    name = "teller"

    def __init__(self, walker: Walker, errs: Callable[[int, Image], Image] = lambda n, alpha: alpha) -> None:
        self.asked: list[int] = []
        self._errs = errs
        self._walker = walker

    def matte(self, image: Image) -> Image:
        n = int(image[0, 0, 0])
        self.asked.append(n)
        return self._errs(n, self._walker.truth(n).copy()).astype(np.float32)


def _texture(rng: np.random.Generator, colour: tuple[int, int, int]) -> Image:
    coarse = cv2.resize(rng.normal(0, 1, (24, 24)).astype(np.float32), (SIDE, SIDE))
    fine = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)), (0, 0), 1.5)
    return np.array(colour) + (18 * coarse + 25 * fine)[..., None]
