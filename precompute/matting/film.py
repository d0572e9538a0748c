"""A film behind a person: a stranger's video as ``backdrop.mp4``, cut to the avatar and made to go round."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.clip import open_clip
from precompute.errors import AvatarRejected
from precompute.matting.film_file import FilmWriter
from streaming.timing import FPS

Image = NDArray[np.uint8]

LONGEST_SOURCE_SECONDS = 300.0
"""Of a longer video nothing is taken, of a shorter one the beginning."""
FILM_SECONDS = 30
"""More take too much memory when they are shown."""
FADE_SECONDS = 1.0
"""So long the end turns into the beginning; a short film, for a third of itself."""
CRF = 20
PRESET = "medium"
BITRATE = {"maxrate": "7M", "bufsize": "7M"}
"""Half a minute stays below what a part of a bundle may take, whatever is in it."""


@dataclass(frozen=True, slots=True)
class BackdropFilm:
    """What became of a film.

    Attributes:
        frames: of it.
        fade: frames at its end that turn into its beginning.
        shortened: whether only the video's beginning was taken.
        first: its first frame, (S, S, 3) BGR.
    """

    frames: int
    fade: int
    shortened: bool
    first: Image

    def lines(self) -> list[str]:
        """Sentences for people."""
        seconds = f"{self.frames / FPS:.1f} s"
        began = f"the first {seconds} of the film" if self.shortened else f"a film of {seconds}"
        return [f"Behind the person: {began}; its last {self.fade / FPS:.1f} s fade into its beginning."]


def write_backdrop(
    source: Path, target: Path, size: int, *, progress: Callable[[float], None] = lambda done: None
) -> BackdropFilm:
    """Write a film that goes round without a seam. Blocking: about a third of the time it plays.

    It is decoded in a confined process (:mod:`precompute.video_child`), one frame at a time. Its middle
    square is taken, its sound is not.

    Args:
        source: a video that a stranger sent, in a place that the caller chose.
        target: H.264 in MP4, yuv420p, BT.601, 25 frames per second; appears whole or not at all.
        size: of its frames, which are square, in pixels, even.
        progress: told how much is done, 0..1.

    Raises:
        AvatarRejected: it is no video, damaged, too short or too large; the message says what to do.
        EngineFailed: no process can be started.
    """
    try:
        clip = open_clip(source, LONGEST_SOURCE_SECONDS)
        most = FILM_SECONDS * FPS
        expected = min(max(1, round(clip.info.seconds * FPS)), most)
        fade = min(round(FADE_SECONDS * FPS), expected // 3)
        taken = 0
        first: Image | None = None
        opening: list[Image] = []
        held: deque[Image] = deque()
        with FilmWriter(target, (size, size), crf=CRF, preset=PRESET, limits=BITRATE) as film:
            for picture in clip.frames(0, most + fade):
                square = middle_square(picture, size)
                taken += 1
                # The beginning is not shown as such: the end turns into it, and what follows comes first.
                if len(opening) < fade:
                    opening.append(square)
                else:
                    first = square if first is None else first
                    held.append(square)
                if len(held) > fade:
                    film.put(held.popleft())
                progress(min(1.0, taken / (expected + fade)))
            begins = fade - len(held)
            for place, square in enumerate(held, begins):
                film.put(_mixed(square, opening[place], (place + 1) / (fade + 1)))
            if first is None:
                raise AvatarRejected("truncated_video", "it ends long before it says. Export it again.")
            count = film.count
    except AvatarRejected as error:
        raise AvatarRejected(error.code, f"The film behind the person: {_film_words(error)}") from error
    return BackdropFilm(count, fade, taken >= most + fade, first)


def _film_words(error: AvatarRejected) -> str:
    """Advice to people who film themselves helps nobody here."""
    if error.code == "video_too_short":
        return "it is shorter than 1 s. Send one of 5 to 30 seconds, or a picture."
    if error.code == "video_too_long":
        return f"it is longer than {LONGEST_SOURCE_SECONDS:g} s. Cut it: 5 to 30 seconds are best."
    return error.message


def middle_square(picture: Image, size: int) -> Image:
    """The middle of a (H, W, 3) picture, (size, size, 3)."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    part = picture[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (size, size), interpolation=method), np.uint8)


def _mixed(ends: Image, begins: Image, share: float) -> Image:
    return np.asarray(cv2.addWeighted(ends, 1 - share, begins, share, 0), np.uint8)
