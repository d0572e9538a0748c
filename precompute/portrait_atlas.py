"""From a portrait to the mouth atlas of the embedded face engine."""

from __future__ import annotations

from collections.abc import Callable

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
TONGUE_APERTURE = 0.24
LIDS = (0.0, 0.25, 0.5, 0.75, 1.0)
GAZES = ((0.0, 0.0), (-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))


@one_blas_thread()
def build_portrait_atlas(portrait: Portrait, progress: Callable[[float], None] | None = None) -> MouthAtlas:
    """Draw every picture of the atlas.

    The still is the portrait with its mouth closed. All pictures are sharpened in place on the still, so that
    they equal it along their edges, and the picture at rest equals it everywhere.

    Args:
        portrait: from ``find_portrait``.
        progress: called with the share done, 0..1, rising; the last call is 1.
    """
    steps = _Steps(progress)
    mouth, eyes = MouthRenderer(portrait), EyeRenderer(portrait)
    rest = portrait.frame.astype(np.float32)
    for (x, y, w, h), picture in ((mouth.rect, mouth.render()), (eyes.rect, eyes.render())):
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
    looks = [[put(eyes.rect, eyes.render(lid, gaze)) for gaze in GAZES] for lid in LIDS]
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
        lids=np.array(LIDS, np.float32),
        gazes=np.array(GAZES, np.float32),
        eyes=np.array(looks, np.uint8),
        motion=motion_fields(portrait.landmarks, portrait.size),
        landmarks=portrait.landmarks[:, :2].copy(),
    )
    steps.finish()
    return atlas


class _Steps:
    """Counts the pictures for the progress callback."""

    def __init__(self, report: Callable[[float], None] | None) -> None:
        closures = 2 * len(CLOSURE_LEVELS) * len(CLOSURE_WIDTHS)
        pictures = len(APERTURES) * len(WIDTHS) + closures + len(TONGUE_LEVELS) + len(LIDS) * len(GAZES)
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
