"""The first stage of a video: what it is, and what can be seen in each of its frames."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from precompute.loop import REASONS
from precompute.loop_track import Sights, look
from precompute.stages.base import Desk, Image, Stage
from precompute.stages.drawing import draw_mesh
from precompute.stages.thumbs import EVERY, Thumbs, thumb
from precompute.stages.video_loop import open_source, save_sights
from precompute.video import VideoInfo
from streaming.timing import FPS


def ugliness(
    mouths: NDArray[np.floating], eyes: NDArray[np.floating], yaws: NDArray[np.floating]
) -> NDArray[np.floating]:
    """(N,) how little frames are fit to stand for all: mouths open, eyes closed, heads turned."""
    return mouths + 0.01 * np.abs(yaws) / 10 + np.where(eyes < _usual(eyes), 1.0, 0.0)


def _usual(eyes: NDArray[np.floating]) -> float:
    seen = eyes[~np.isnan(eyes)]
    return float(np.median(seen)) if len(seen) else 0.0


def _look(desk: Desk) -> None:
    clip = open_source(desk)
    expected = max(1.0, clip.info.seconds * FPS)
    thumbs = Thumbs()
    sights = look(thumbs.watch(clip.frames()), desk.finder, lambda done: desk.progress(done / expected))
    thumbs.save(desk)
    save_sights(desk, sights)
    desk.report(_about(clip.info))
    problems = Counter(problem for problem in sights.problems if problem)
    frames = max(1, len(sights.problems))
    desk.report(
        {
            "frames": len(sights.problems),
            "usable": round(1 - problems.total() / frames, 3),
            "problems": {REASONS.get(name, name): count for name, count in problems.most_common()},
        }
    )
    shown = _best(desk, sights, clip.info)
    if shown is not None:
        desk.preview(shown)


def _about(info: VideoInfo) -> dict[str, object]:
    return {
        "format": info.format,
        "codec": info.codec,
        "width": info.coded_width,
        "height": info.coded_height,
        "seconds": info.seconds,
        "rate": info.rate,
        "turn": info.turn,
        "hdr": info.hdr,
    }


def _best(desk: Desk, sights: Sights, info: VideoInfo) -> Image | None:
    """The frame that shows the person best, with its landmarks; without them where no face was found."""
    if not sights.problems:
        return None
    some = slice(None, None, EVERY)
    score = ugliness(sights.mouths[some], sights.eyes[some], sights.yaws[some])
    score = score + np.array([10.0 if problem else 0.0 for problem in sights.problems[some]])
    best = 0 if np.isnan(score).all() else int(np.nanargmin(score)) * EVERY
    index, picture = thumb(desk, best)
    mesh = sights.meshes[index]
    return picture if np.isnan(mesh).any() else draw_mesh(picture, mesh * (picture.shape[1] / info.width))


LOOK = Stage("look", "Looking for the face", 1.0, _look)
