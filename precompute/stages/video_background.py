"""The person of a video is told from the background in every frame, and put before another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from precompute.matting.background import Alpha, Background, composite
from precompute.matting.foreground import own_colours
from precompute.matting.models import matter_of
from precompute.matting.moving import SteadyMattes
from precompute.matting.scene import MatteWriter, dressed, read_mattes
from precompute.repair.over_time import ClothingMender
from precompute.sheet import label
from precompute.stages.background import background_of
from precompute.stages.base import Desk, Image, Stage
from precompute.stages.drawing import over_checks, shrunk
from precompute.stages.video_loop import loop_landmarks, loop_pictures
from streaming.timing import FPS

SHOWN = 316
"""Height of each of six pictures in the preview."""


def _separate(desk: Desk) -> None:
    order = desk.order
    landmarks = loop_landmarks(desk)
    matter = desk.matter or matter_of(order.matting)
    mender = None if order.repair == "off" else ClothingMender()
    mattes = SteadyMattes(matter, mender)
    shown = np.linspace(0, len(landmarks) - 1, 3).round().astype(int).tolist()
    tiles: list[tuple[Image, Image]] = []
    shares: list[float] = []
    background = background_of(desk)
    with MatteWriter(desk.part("alpha.mp4"), order.size) as film:
        for picture, alpha in mattes.of(loop_pictures(desk), landmarks):
            if film.count in shown:
                tiles.append(_tiles(picture, alpha, background, f"{film.count / FPS:.1f} s"))
            film.put_matte(alpha)
            shares.append(float(alpha.mean()))
            desk.progress(film.count / len(landmarks))
    person = float(np.mean(shares))
    desk.used(matter.name)
    desk.report(
        {
            "matte": matter.name,
            "person": round(person, 4),
            "background": order.background,
            "key_frames": mattes.keys,
            "key_frames_left_out": len(mattes.refused),
        }
    )
    desk.note(
        f"The person was told from the background ({matter.name}) and takes {person:.0%} of the picture."
    )
    if mender is not None:
        found = mender.report()
        desk.report({"clothing": {k: round(v, 4) for k, v in asdict(found).items()}})
        desk.note(found.line())
    if order.clear:
        desk.detail(background="transparent")
    desk.preview(np.vstack([np.hstack(row) for row in zip(*tiles, strict=True)]))


def _tiles(picture: Image, alpha: Alpha, background: Background | None, text: str) -> tuple[Image, Image]:
    """The person before a checkerboard, and the result; the matte where there is nothing behind."""
    person = own_colours(picture, alpha)
    if background is None:
        result = np.repeat(np.rint(alpha * 255).astype(np.uint8)[..., None], 3, axis=2)
    else:
        result = composite(person, alpha, background.behind(picture, alpha))
    return label(shrunk(over_checks(person, alpha), SHOWN), text), label(shrunk(result, SHOWN), text)


def dressed_pictures(desk: Desk) -> Iterator[Image]:
    """The frames of the loop, (size, size, 3) BGR, as the avatar shows them."""
    if not desk.order.separates:
        return loop_pictures(desk)
    return dressed(loop_pictures(desk), read_mattes(desk.part("alpha.mp4")), background_of(desk))


MATTING = Stage("matting", "Telling the person from the background", 4.0, _separate)
