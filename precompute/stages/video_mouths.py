"""The mouths of a video's person are drawn, so that the embedded engine can move the lips in its loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import av
import numpy as np

from avatars.atlas_file import save_atlas
from avatars.heads_file import save_heads
from avatars.manifest import LoopKind
from precompute.errors import AvatarRejected
from precompute.moving.build import build_moving_mouths
from precompute.moving.sheet import moving_sheet
from precompute.stages.base import Desk, Image, Stage
from precompute.stages.report import details_of

DRAWN = 0.9
"""Share of the stage at which everything is drawn."""
UNLIKE = 0.6
"""Frames that look less like the reference, where mouths go, are told of."""
MOST_UNLIKE = 0.1
"""Share of such frames that is not worth a word."""
MOST_SPOKEN = 0.1
"""The same for frames in which the mouth that was filmed talks."""


def _draw(desk: Desk) -> None:
    for name in ("atlas.npz", "heads.npz"):
        desk.part(name).unlink(missing_ok=True)
    # As the loop is shown, whatever has been put behind the person, and coded.
    loop = desk.part("idle.mp4")
    with np.load(desk.part("faces.npz"), allow_pickle=False) as faces:
        landmarks = faces["landmarks"]
    kind = cast(LoopKind, details_of(desk).get("loop", "mirrored"))
    try:
        made = build_moving_mouths(
            lambda: _frames(loop), landmarks, kind, desk.finder, lambda done: desk.progress(DRAWN * done)
        )
    except AvatarRejected as error:
        desk.report({"ready": False, "problem": error.message})
        desk.note(f"The embedded engine cannot move these lips: {error.message} The loop plays all the same.")
        return
    save_heads(desk.part("heads.npz"), made.heads, made.atlas)
    save_atlas(desk.part("atlas.npz"), made.atlas)
    unlike = float((made.likeness < UNLIKE).mean())
    desk.report({"ready": True, **made.report, "unlike": round(unlike, 3)})
    if unlike > MOST_UNLIKE:
        desk.note(
            f"In {unlike:.0%} of the loop the mouth looks otherwise than where it rests, and may be drawn a "
            "little beside its place; a video with an even light and a resting mouth is better."
        )
    spoken = float(made.report["own_speech"])
    if spoken > MOST_SPOKEN:
        desk.note(
            f"In {spoken:.0%} of the loop the filmed mouth talks, and is seen to while the avatar is silent; "
            "a video in which nobody speaks is better."
        )
    desk.preview(moving_sheet(_frames(loop), made.atlas, made.heads))


def _frames(path: Path) -> Iterator[Image]:
    """(H, W, 3) BGR of a loop that an earlier stage wrote."""
    with av.open(str(path), format="mp4") as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


VIDEO_MOUTHS = Stage("mouths", "Drawing mouths for a moving head", 0.5, _draw)
