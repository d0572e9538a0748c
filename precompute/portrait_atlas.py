"""From a portrait to the mouth atlas of the embedded face engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avatars.atlas import MouthAtlas
from precompute.blas import one_blas_thread
from precompute.eyes import EyeRenderer
from precompute.motion import motion_fields
from precompute.mouth.render import MouthRenderer
from precompute.portrait import Portrait
from precompute.rects import Rect
from precompute.sharpen import REACH, sharpen

APERTURES = (0.0, 0.05, 0.11, 0.17, 0.24, 0.32, 0.41, 0.51, 0.62, 0.74, 0.87, 1.0)
WIDTHS = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.5, 1.0)
"""Denser where round mouths change fastest."""
CLOSURE_LEVELS = (0.5, 1.0)
CLOSURE_WIDTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)
TONGUE_LEVELS = (0.5, 1.0)
TONGUE_APERTURE = 0.30
LIDS = (0.0, 0.25, 0.5, 0.75, 1.0)
GAZES = ((0.0, 0.0), (-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))


class EyePictures(Protocol):
    """Something that shows eyes, drawn or rendered.

    Attributes:
        rect: where its pictures go.
        lids: closures 0..1, first 0, last 1.
        gazes: directions (x, y), first (0, 0).
    """

    rect: Rect
    lids: tuple[float, ...]
    gazes: tuple[tuple[float, float], ...]

    def render(self, lid: float, gaze: tuple[float, float]) -> NDArray[np.float32]:
        """(h, w, 3) BGR 0..255, equal to the portrait along its edges; to the portrait at (0, (0, 0))."""
        ...


@one_blas_thread()
def build_portrait_atlas(
    portrait: Portrait, progress: Callable[[float], None] | None = None, eyes: EyePictures | None = None
) -> MouthAtlas:
    """Draw every picture of the atlas.

    The still is the portrait with its mouth closed. All pictures are sharpened in place on the still, so that
    they equal it along their edges, and the picture at rest equals it everywhere.

    Args:
        portrait: from ``find_portrait``.
        progress: called with the share done, 0..1, rising; the last call is 1.
        eyes: pictures of the eyes; drawn from the portrait when missing.
    """
    mouth, eyes = MouthRenderer(portrait), eyes or _DrawnEyes(portrait)
    steps = _Steps(progress, len(eyes.lids) * len(eyes.gazes))
    rest = portrait.frame.astype(np.float32)
    for (x, y, w, h), picture in ((mouth.rect, mouth.render()), (eyes.rect, eyes.render(0.0, (0.0, 0.0)))):
        rest[y : y + h, x : x + w] = picture

    def put(rect: Rect, picture: NDArray[np.float32]) -> NDArray[np.uint8]:
        steps.next()
        return _sharpen_on(rest, rect, picture)

    mouths = [[put(mouth.rect, mouth.render(a, v)) for v in WIDTHS] for a in APERTURES]
    press = [
        [put(mouth.rect, mouth.render(width=v, press=k)) for v in CLOSURE_WIDTHS] for k in CLOSURE_LEVELS
    ]
    bite = [[put(mouth.rect, mouth.render(width=v, bite=k)) for v in CLOSURE_WIDTHS] for k in CLOSURE_LEVELS]
    tongue = [put(mouth.rect, mouth.render(TONGUE_APERTURE, tongue=k)) for k in TONGUE_LEVELS]
    looks = [[put(eyes.rect, eyes.render(lid, gaze)) for gaze in eyes.gazes] for lid in eyes.lids]
    atlas = MouthAtlas(
        still=sharpen(rest),
        mouth_rect=np.array(mouth.rect, np.int32),
        apertures=np.array(APERTURES, np.float32),
        widths=np.array(WIDTHS, np.float32),
        mouths=np.array(mouths, np.uint8),
        press_levels=np.array(CLOSURE_LEVELS, np.float32),
        press_widths=np.array(CLOSURE_WIDTHS, np.float32),
        press=np.array(press, np.uint8),
        bite_levels=np.array(CLOSURE_LEVELS, np.float32),
        bite_widths=np.array(CLOSURE_WIDTHS, np.float32),
        bite=np.array(bite, np.uint8),
        tongue_levels=np.array(TONGUE_LEVELS, np.float32),
        tongue_aperture=np.array([TONGUE_APERTURE], np.float32),
        tongue=np.array(tongue, np.uint8),
        eye_rect=np.array(eyes.rect, np.int32),
        lids=np.array(eyes.lids, np.float32),
        gazes=np.array(eyes.gazes, np.float32),
        eyes=np.array(looks, np.uint8),
        motion=motion_fields(portrait.landmarks, portrait.size),
        landmarks=portrait.landmarks[:, :2].copy(),
    )
    steps.finish()
    return atlas


class _DrawnEyes:
    """Eyes drawn from the portrait."""

    lids, gazes = LIDS, GAZES

    def __init__(self, portrait: Portrait) -> None:
        self._eyes = EyeRenderer(portrait)
        self.rect = self._eyes.rect

    def render(self, lid: float, gaze: tuple[float, float]) -> NDArray[np.float32]:
        return self._eyes.render(lid, gaze)


class _Steps:
    """Counts the pictures for the progress callback."""

    def __init__(self, report: Callable[[float], None] | None, looks: int) -> None:
        closures = 2 * len(CLOSURE_LEVELS) * len(CLOSURE_WIDTHS)
        pictures = len(APERTURES) * len(WIDTHS) + closures + len(TONGUE_LEVELS) + looks
        self._report, self._total, self._done = report, pictures + 1, 0

    def next(self) -> None:
        self._done += 1
        if self._report:
            self._report(self._done / self._total)

    def finish(self) -> None:
        if self._report:
            self._report(1.0)


def _sharpen_on(still: NDArray[np.float32], rect: Rect, picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture sharpened together with the still around it."""
    x, y, w, h = rect
    size = still.shape[0]
    x0, y0, x1, y1 = max(x - REACH, 0), max(y - REACH, 0), min(x + w + REACH, size), min(y + h + REACH, size)
    around = still[y0:y1, x0:x1].copy()
    around[y - y0 : y - y0 + h, x - x0 : x - x0 + w] = picture
    return sharpen(around)[y - y0 : y - y0 + h, x - x0 : x - x0 + w]
