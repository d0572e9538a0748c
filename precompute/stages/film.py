"""The film behind the person is made ready."""

from __future__ import annotations

import cv2
import numpy as np

from precompute.matting.background import composite
from precompute.matting.film import write_backdrop
from precompute.stages.base import BACKDROP, Desk, Image, Stage
from precompute.stages.keeping import DRESSED, load_portrait
from streaming.timing import FPS


def _write(desk: Desk) -> None:
    made = write_backdrop(
        desk.folder / BACKDROP, desk.part("backdrop.mp4"), desk.order.size, progress=desk.progress
    )
    desk.detail(background="video")
    desk.report({"seconds": round(made.frames / FPS, 2), "fade": round(made.fade / FPS, 2)})
    for line in made.lines():
        desk.note(line)
    desk.preview(_before(desk, made.first))


def _before(desk: Desk, film: Image) -> Image:
    """A photo's person before the film's first frame; that frame alone where the person moves."""
    if desk.order.kind != "photo":
        return film
    alpha = cv2.imread(str(desk.part("alpha.png")), cv2.IMREAD_GRAYSCALE)
    if alpha is None:
        raise OSError("The matte cannot be read any more.")
    return composite(load_portrait(desk, DRESSED).frame, np.asarray(alpha / 255, np.float32), film)


FILM = Stage("film", "Preparing the film behind", 0.5, _write)
