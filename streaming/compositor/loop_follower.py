"""Where in its loop an avatar is: on its own while nobody speaks, and where the drawn frames are, in speech.

The loop is played forwards, backwards and so on. Who draws can only estimate where it will be when speech
begins. Where that is not where it is, the two ways on from there are blended over a few frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from avatars.musetalk import mirrored

CROSSING_FRAMES = 6
"""Frames from one place of the loop to another that does not follow it."""
NEAR = 1
"""Frames by which a step may be longer than the time that has passed, and still be no jump: patches that are
shown twice come with every other frame."""
MOST_WAYS = 3
"""Places that are blended at once, when it leaves for another before it has arrived."""


class Layer(NamedTuple):
    """A frame of the loop, and how much of it hides those before it (0..1)."""

    frame: int
    weight: float


@dataclass(slots=True)
class _Way:
    place: int
    slots: int
    """Since it came; see ``CROSSING_FRAMES``."""


class LoopFollower:
    """Follows one session through the loop. Without speech, slot ``n`` shows place ``n``.

    Args:
        frames: of the loop.
    """

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._period = max(1, 2 * frames - 2)
        self._index: int | None = None
        self._ways: list[_Way] = []

    @property
    def position(self) -> int:
        """The place that was shown last, in frames since the loop began; see :func:`mirrored`."""
        return self._ways[-1].place if self._ways else 0

    def follow(self, index: int, wanted: int | None) -> list[Layer]:
        """What to show in slot ``index``, from the lowest layer, which hides everything, to the highest.

        Args:
            index: of the slot; some may have been skipped.
            wanted: the frame that a patch was drawn for; ``None`` lets the loop go on.
        """
        if self._index is None:
            self._ways = [_Way(index, CROSSING_FRAMES)]
            slots = 0
        else:
            slots = max(1, index - self._index)
            for way in self._ways:
                way.place += slots
        self._index = index
        if wanted is not None:
            self._go_to(wanted, slots)
        for way in self._ways:
            way.slots += slots
        arrived = max((n for n, way in enumerate(self._ways) if way.slots >= CROSSING_FRAMES), default=0)
        self._ways = self._ways[arrived:][-MOST_WAYS:]
        layers = [Layer(mirrored(way.place, self._frames), way.slots / CROSSING_FRAMES) for way in self._ways]
        return [layers[0]._replace(weight=1.0), *layers[1:]]

    def _go_to(self, wanted: int, slots: int) -> None:
        way = self._ways[-1]
        if mirrored(way.place, self._frames) == wanted:
            return
        shown = mirrored(way.place - slots, self._frames)
        if slots == 0:
            # Nothing has been shown, so there is nothing to go on from.
            way.place = self._nearest(wanted, way.place, None)
        elif abs(wanted - shown) <= slots + NEAR:
            # Perhaps it has turned round.
            way.place = self._nearest(wanted, way.place, None if wanted == shown else wanted > shown)
        else:
            self._ways.append(_Way(self._nearest(wanted, way.place, None), 0))

    def _nearest(self, frame: int, place: int, forwards: bool | None) -> int:
        """The place nearest to another that shows a frame, where the loop runs in the direction asked for."""
        begin = place - place % self._period
        rising = [begin + k * self._period + frame for k in (-1, 0, 1)]
        falling = [begin + k * self._period - frame for k in (0, 1, 2)]
        places = rising + falling if forwards is None else rising if forwards else falling
        return min(places, key=lambda other: (abs(other - place), other < place))
