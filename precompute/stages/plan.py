"""Which stages an order takes, and how they are run one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from precompute.order import VIDEO, AvatarOrder
from precompute.parts import PartBuilder, Progress
from precompute.stages.background import BACKGROUND
from precompute.stages.base import Desk, Stage, Watcher
from precompute.stages.bundle import BUNDLE
from precompute.stages.clothing import CLOTHING
from precompute.stages.face import FACE
from precompute.stages.film import FILM
from precompute.stages.idle import IDLE
from precompute.stages.mouths import MOUTHS
from precompute.stages.parts import part_stages
from precompute.stages.photo_open import OPEN
from precompute.stages.video_background import MATTING
from precompute.stages.video_choice import LOOP
from precompute.stages.video_look import LOOK
from precompute.stages.video_mouths import VIDEO_MOUTHS
from precompute.stages.video_write import WRITE


def stages_of(order: AvatarOrder, builders: Sequence[PartBuilder] = ()) -> tuple[Stage, ...]:
    """The stages of an order, one after the other.

    Args:
        order: what is wanted.
        builders: of what engines need; each has a stage of its own, behind ``bundle``.
    """
    making = _of_photo(order) if order.kind == "photo" else _of_video(order)
    return (*making, BUNDLE, *part_stages(() if order.loop_only else builders))


def run_all(desk: Desk, stages: Sequence[Stage], progress: Progress | None = None) -> None:
    """Run what is not finished yet of an order's stages in this process.

    Args:
        desk: where they work.
        stages: from :func:`stages_of`.
        progress: told the title of the stage at work, and how much of the whole is done, 0..1.

    Raises:
        LipstreamError: a stage cannot do its work; the message says why and what to do.
        AvatarError: the store does not take the avatar.
    """
    told = desk.watcher
    desk.watcher = _Whole(told, stages, progress) if progress is not None else told
    try:
        for stage in stages:
            if not desk.finished(stage.name):
                desk.run(stage)
    finally:
        desk.watcher = told
    if progress is not None:
        progress("Done", 1.0)


def _of_photo(order: AvatarOrder) -> tuple[Stage, ...]:
    middle: tuple[Stage, ...] = ()
    if order.separates:
        middle = (BACKGROUND,) if order.repair == "off" else (BACKGROUND, CLOTHING)
    if order.background == VIDEO:
        middle = (*middle, FILM)
    return (OPEN, FACE, *middle, MOUTHS, IDLE)


def _of_video(order: AvatarOrder) -> tuple[Stage, ...]:
    middle: tuple[Stage, ...] = (MATTING,) if order.separates else ()
    if order.background == VIDEO:
        middle = (*middle, FILM)
    mouths = () if order.loop_only else (VIDEO_MOUTHS,)
    return (LOOK, LOOP, *middle, WRITE, *mouths)


class _Whole(Watcher):
    """Turns what stages tell into one progress."""

    def __init__(self, told: Watcher, stages: Sequence[Stage], progress: Progress) -> None:
        self._told, self._progress = told, progress
        total = sum(stage.weight for stage in stages)
        self._titles = {stage.name: stage.title for stage in stages}
        self._begins: dict[str, float] = {}
        self._shares = {stage.name: stage.weight / total for stage in stages}
        begin = 0.0
        for stage in stages:
            self._begins[stage.name] = begin
            begin += self._shares[stage.name]

    def progress(self, stage: str, done: float) -> None:
        self._told.progress(stage, done)
        self._progress(self._titles[stage], min(1.0, self._begins[stage] + done * self._shares[stage]))

    def preview(self, stage: str, path) -> None:
        self._told.preview(stage, path)

    def note(self, stage: str, text: str) -> None:
        self._told.note(stage, text)
