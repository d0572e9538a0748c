"""The seam between the line and whatever draws an avatar's frames."""

from __future__ import annotations

from typing import Protocol

import av

from streaming.slots import Patch


class Compositor(Protocol):
    """Draws one session's frames of one avatar. Runs in a worker thread, one call at a time.

    Shared parts of the avatar are read-only; every frame is drawn into a buffer of its own.
    """

    width: int
    height: int

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        """The frame of slot ``index``.

        Args:
            index: slot index of the session; head motion and blinks follow from it alone. Gaps are allowed.
            patch: what speech wants, or ``None`` when nobody speaks: the mouth then comes to rest
                over a few frames without a jump.

        Returns:
            A new yuv420p frame (BT.601, limited range) of ``width`` x ``height``; pts is left unset.
        """
        ...


class CompositorFactory(Protocol):
    """Opens compositors; the avatar's shared parts are loaded once per process."""

    def open(self, avatar: str, seed: int = 0) -> Compositor:
        """A compositor for the avatar with this id; ``seed`` varies blinks and gaze between sessions."""
        ...
