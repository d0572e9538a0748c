"""The film behind the person is made ready."""

from __future__ import annotations

import av
import numpy as np

from precompute.matting.background import composite
from precompute.matting.film import write_backdrop
from precompute.stages.base import BACKDROP, Desk, Image, Stage
from precompute.stages.keeping import DRESSED, alpha_of, load_portrait
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


def first_of_film(desk: Desk) -> Image:
    """The first frame of the film that an earlier stage made ready, (S, S, 3) BGR."""
    with av.open(str(desk.part("backdrop.mp4")), format="mp4") as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="bgr24"), np.uint8)


def _before(desk: Desk, film: Image) -> Image:
    """A photo's person before the film's first frame; that frame alone where the person moves."""
    if desk.order.kind != "photo":
        return film
    return composite(load_portrait(desk, DRESSED).frame, alpha_of(desk), film)


FILM = Stage("film", "Preparing the film behind", 0.5, _write)
