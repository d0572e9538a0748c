"""The idle loop of a photo's person is drawn."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame

from precompute.idle import LOOP_SECONDS, write_idle_loop
from precompute.sheet import label
from precompute.stages.base import Desk, Image, Stage
from precompute.stages.drawing import over_checks, shrunk
from precompute.stages.keeping import alpha_of
from precompute.stages.mouths import ATLAS, atlas_of
from streaming.timing import FPS

SHOWN_FRAMES, SHOWN = 6, 316
"""How many frames the preview has, and how high each is."""


def _write(desk: Desk) -> None:
    seconds = LOOP_SECONDS
    count = round(seconds * FPS)
    tiles: list[Image] = []
    # It stays where it is while the head moves by a few pixels; for a glance that is near enough.
    alpha = alpha_of(desk) if desk.order.clear else None

    def each(index: int, frame: VideoFrame) -> None:
        desk.progress((index + 1) / count)
        if index % (count // SHOWN_FRAMES) == 0 and len(tiles) < SHOWN_FRAMES:
            picture = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            picture = shrunk(picture if alpha is None else over_checks(picture, alpha), SHOWN)
            tiles.append(label(picture, f"{index / FPS:.1f} s"))

    frames = write_idle_loop(atlas_of(desk), desk.part("idle.mp4"), seconds, each)
    desk.detail(frames=frames, loop="forward")
    desk.report({"seconds": round(frames / FPS, 2)})
    half = len(tiles) // 2
    desk.preview(np.vstack([np.hstack(tiles[:half]), np.hstack(tiles[half:])]))
    desk.forget(ATLAS)


IDLE = Stage("idle", "Drawing the idle loop", 0.3, _write)
