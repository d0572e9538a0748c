"""How the mouth gets from one frame to the next: exactly as speech asks, within what a mouth can do."""

from __future__ import annotations

from typing import NamedTuple

from streaming.slots import MouthShape

REST_FRAMES = 4
"""Frames from whatever the mouth does to rest, when nobody speaks any more."""
MAX_OPENING = 0.45
"""Most that the aperture may rise from one frame to the next."""
MAX_CLOSING = 0.60
MAX_WIDENING = 0.70
MAX_TONGUE = 0.60

PRESS_SHUT = 0.5
"""At this press the lips have met; above it they are pressed together."""
BITE_SHUT = 0.5
BITE_APERTURE = 0.08
"""A biting mouth stays this far open."""
NEARLY_SHUT = 0.08
"""Pressed and biting pictures fade in below this aperture; over an open mouth they would look like ghosts."""
TONGUE_REACH = 0.3
"""The tongue shows only this near to the aperture that its pictures were made at."""
TONGUE_APERTURE = 0.25
TONGUE_WIDTH = 0.6
"""Its pictures have width 0; mouths wider or rounder than this hide it, and keep their width."""


class MouthPose(NamedTuple):
    """What the mouth looks like in one frame; fields as in :class:`streaming.slots.MouthShape`."""

    aperture: float = 0.0
    width: float = 0.0
    press: float = 0.0
    bite: float = 0.0
    tongue: float = 0.0


REST_POSE = MouthPose()


def pose_of(shape: MouthShape) -> MouthPose:
    """The pose that a shape asks for: lips close first, and only then press or bite.

    Values out of range are clamped.
    """
    press, bite = _clamp(shape.press), _clamp(shape.bite)
    aperture = _clamp(shape.aperture) * max(0.0, 1 - press / PRESS_SHUT)
    bitten = min(aperture, BITE_APERTURE)
    aperture += (bitten - aperture) * min(1.0, bite / BITE_SHUT)
    press *= _clamp(1 - aperture / NEARLY_SHUT)
    bite *= _clamp(1 - (aperture - BITE_APERTURE) / NEARLY_SHUT) * (1 - press)
    tongue = _clamp(shape.tongue) * _clamp(1 - abs(aperture - TONGUE_APERTURE) / TONGUE_REACH)
    tongue *= (1 - press) * (1 - bite) * _clamp(1 - abs(shape.width) / TONGUE_WIDTH)
    return MouthPose(aperture, _clamp(shape.width, -1.0), press, bite, tongue)


class MouthFollower:
    """Follows the patches of one session. The mouth starts at rest."""

    def __init__(self) -> None:
        self.pose = REST_POSE
        self._index: int | None = None
        self._released = REST_POSE
        self._released_frames = 0.0

    def follow(self, index: int, patch: MouthShape | None) -> MouthPose:
        """The pose of slot ``index``.

        Args:
            index: slot index; when slots were skipped the mouth has had that much more time.
            patch: what speech asks for, followed exactly within the limits; ``None`` lets the mouth come to
                rest over ``REST_FRAMES``.
        """
        frames = 1 if self._index is None else max(1, index - self._index)
        self._index = index
        self.pose = self._release(frames) if patch is None else self._approach(pose_of(patch), frames)
        return self.pose

    def _approach(self, wanted: MouthPose, frames: int) -> MouthPose:
        self._released_frames = 0.0
        now = self.pose
        # Lips that must meet do so at once: a closure lasts a frame or two, and one that is missed is seen.
        closing = 1.0 if wanted.press > 0 or wanted.bite > 0 or wanted.aperture == 0 else MAX_CLOSING * frames
        return MouthPose(
            _limited(now.aperture, wanted.aperture, closing, MAX_OPENING * frames),
            _limited(now.width, wanted.width, MAX_WIDENING * frames, MAX_WIDENING * frames),
            wanted.press,
            wanted.bite,
            _limited(now.tongue, wanted.tongue, 1.0, MAX_TONGUE * frames),
        )

    def _release(self, frames: int) -> MouthPose:
        if not self._released_frames:
            self._released = self.pose
        self._released_frames += frames
        part = min(1.0, self._released_frames / REST_FRAMES)
        remaining = 1 - part * part * (3 - 2 * part)
        return MouthPose(*(value * remaining for value in self._released))


def _limited(now: float, wanted: float, most_down: float, most_up: float) -> float:
    return min(max(wanted, now - most_down), now + most_up)


def _clamp(value: float, low: float = 0.0) -> float:
    # A NaN compares false, and becomes ``low``.
    return min(value, 1.0) if value > low else low
