"""The gate before a decoder: shut until a keyframe comes, because nothing else can be shown."""

from __future__ import annotations

from collections.abc import Callable

from streaming.encoders.base import EncodedVideo
from streaming.timing import FPS

REMINDER_SLOTS = FPS
"""How often a viewer that still waits asks again."""


class KeyframeGate:
    """Starts shut; opens with a keyframe.

    Args:
        ask: called when a keyframe is wanted, first at once, then every second.
    """

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._open = False
        self._waited = 0

    def admit(self, video: EncodedVideo | None) -> bool:
        """Whether this slot's video, and what belongs to it, may pass. ``None``: the slot has no frame."""
        if self._open:
            return True
        if video is not None and video.keyframe:
            self._open = True
            return True
        if self._waited % REMINDER_SLOTS == 0:
            self._ask()
        self._waited += 1
        return False

    def shut(self) -> None:
        """Something was dropped: wait for the next keyframe."""
        self._open = False
        self._waited = 0
