"""Puts a person who moves before another background, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.clear import over_grey
from precompute.matting.background import Background, Blurred, composite
from precompute.matting.film_file import FilmWriter, read_grey
from precompute.matting.foreground import own_colours
from precompute.matting.motion import SIDE, Flow, Glance, bring, enlarge

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]

MATTE_CRF = 10
MATTE_PRESET = "medium"
LASTING = 0.8
"""Of a colour, from frame to frame, where next to nothing of the person is seen."""
NEARLY = 4
"""Levels by which coding a matte takes it away from 0 or 255."""


class MatteWriter(FilmWriter):
    """Writes ``alpha.mp4``: H.264 whose luma is the matte, all levels from 0 to 255.

    Args:
        path: where to write.
        side: of its frames in pixels.
    """

    def __init__(self, path: Path, side: int) -> None:
        super().__init__(path, (side, side), crf=MATTE_CRF, preset=MATTE_PRESET, grey=True)

    def put_matte(self, alpha: Alpha) -> None:
        """Add a matte (S, S), 0..1."""
        self.put_grey(np.clip(alpha * 255 + 0.5, 0, 255).astype(np.uint8))


def read_mattes(path: Path) -> Iterator[Alpha]:
    """The mattes of an ``alpha.mp4`` of our own, (S, S), 0..1, as they are shown later."""
    for levels in read_grey(path):
        clean = np.where(levels < NEARLY, 0, np.where(levels >= 256 - NEARLY, 255, levels))
        yield (clean / 255).astype(np.float32)


class SteadyColours:
    """The person's own colours frame by frame, which do not shimmer along the outline.

    Where the old background shines through, a colour is also what it was a frame ago at the same place of the
    person: the less of the person is seen, the more.
    """

    def __init__(self) -> None:
        self._flow = Flow()
        self._last: tuple[Glance, NDArray[np.float32], Alpha] | None = None

    def of(self, picture: Image, alpha: Alpha) -> Image:
        """The (S, S, 3) BGR colours of the next frame, whose matte is (S, S), 0..1."""
        colours = own_colours(picture, alpha).astype(np.float32)
        here = Glance.of(picture)
        if self._last is not None:
            there, before, matte = self._last
            path = enlarge(self._flow.person_between(here, there, matte), len(picture))
            share = LASTING * (1 - alpha)[..., None]
            colours += share * (bring(before, path) - colours)
        small = cv2.resize(alpha, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        self._last = here, colours, np.asarray(small, np.float32)
        return np.clip(colours + 0.5, 0, 255).astype(np.uint8)


def dressed(
    pictures: Iterable[Image], mattes: Iterable[Alpha], background: Background | None
) -> Iterator[Image]:
    """Put another background behind the person of each frame.

    Args:
        pictures: (S, S, 3) BGR.
        mattes: (S, S), 0..1, as many.
        background: the new one; ``None``: light grey behind the person's own, whole colours.

    Yields:
        (S, S, 3) BGR each.

    Raises:
        ValueError: there are more of the ones than of the others.
    """
    still: Image | None = None
    colours = SteadyColours()
    for picture, alpha in zip(pictures, mattes, strict=True):
        person = colours.of(picture, alpha)
        if background is None:
            yield over_grey(person, alpha)
            continue
        if still is None or isinstance(background, Blurred):
            still = background.behind(picture, alpha)
        yield composite(person, alpha, still)
