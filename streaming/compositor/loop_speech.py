"""How mouths of the atlas come and go in a loop: neither speech nor silence begins with a jump."""

from __future__ import annotations

from streaming.compositor.easing import REST_POSE, MouthFollower, MouthPose
from streaming.slots import MouthShape

FADE_FRAMES = 3
"""Frames from the loop's own mouth to the atlas's at rest, and back."""


class LoopSpeech:
    """Follows the shapes that one session is given.

    Speech opens the mouth while it fades in, as the first sounds do not wait. In silence it first comes to
    rest, for an open mouth that fades over one that is shut would be seen as two.
    """

    def __init__(self) -> None:
        self._follower = MouthFollower()
        self._weight = 0.0
        self._index: int | None = None

    def follow(self, index: int, shape: MouthShape | None) -> tuple[MouthPose, float]:
        """The mouth of slot ``index``, and how much of it shows (0..1). Skipped slots have had their time."""
        slots = 1 if self._index is None else max(1, index - self._index)
        self._index = index
        pose = self._follower.follow(index, shape)
        if shape is not None:
            self._weight = min(1.0, self._weight + slots / FADE_FRAMES)
        elif pose == REST_POSE:
            self._weight = max(0.0, self._weight - slots / FADE_FRAMES)
        if self._weight < 1:
            pose = MouthPose(*(value * self._weight for value in pose))
        return pose, self._weight
