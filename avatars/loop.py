"""How an avatar's idle loop goes on at its end: which frame is shown at which place of it."""

from __future__ import annotations

from avatars.manifest import LoopKind


def loop_period(frames: int, kind: LoopKind) -> int:
    """Places after which a loop shows the same again.

    Args:
        frames: of the loop.
        kind: how it goes on at its end.
    """
    return frames if kind == "forward" else max(1, 2 * frames - 2)


def loop_frame(position: int, frames: int, kind: LoopKind) -> int:
    """The frame at a place of a loop.

    A forward loop begins again: 0, 1, 2, 0, ... for three frames. A mirrored one goes back the way it came
    and shows neither end twice in a row: 0, 1, 2, 1, 0, 1, ...

    Args:
        position: in frames since the loop began.
        frames: of the loop.
        kind: how it goes on at its end.
    """
    place = position % loop_period(frames, kind)
    return place if place < frames else 2 * frames - 2 - place
