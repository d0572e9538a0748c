"""Where in its loop an avatar is: on its own while nobody speaks, and where the drawn frames are, in speech.

Who draws can only estimate where it will be when speech
begins. Where that is not where it is, the two ways on from there are blended over a few frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from avatars.loop import loop_frame, loop_period
from avatars.manifest import LoopKind

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
        kind: how it goes on at its end.
    """

    def __init__(self, frames: int, kind: LoopKind = "mirrored") -> None:
        self._frames = frames
        self._kind: LoopKind = kind
        self._period = loop_period(frames, kind)
        self._index: int | None = None
        self._ways: list[_Way] = []

    @property
    def position(self) -> int:
        """The place that was shown last, in frames since the loop began (:mod:`avatars.loop`)."""
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
        layers = [Layer(self._frame(way.place), way.slots / CROSSING_FRAMES) for way in self._ways]
        return [layers[0]._replace(weight=1.0), *layers[1:]]

    def _go_to(self, wanted: int, slots: int) -> None:
        way = self._ways[-1]
        if self._frame(way.place) == wanted:
            return
        shown = self._frame(way.place - slots)
        if slots == 0:
            # Nothing has been shown, so there is nothing to go on from.
            way.place = self._nearest(wanted, way.place, None)
        elif self._apart(wanted, shown) <= slots + NEAR:
            # Perhaps it has turned round.
            way.place = self._nearest(wanted, way.place, None if wanted == shown else wanted > shown)
        else:
            self._ways.append(_Way(self._nearest(wanted, way.place, None), 0))

    def _frame(self, place: int) -> int:
        return loop_frame(place, self._frames, self._kind)

    def _apart(self, one: int, other: int) -> int:
        """Frames from one to the other; a forward loop has no end between them."""
        apart = abs(one - other)
        return min(apart, self._frames - apart) if self._kind == "forward" else apart

    def _nearest(self, frame: int, place: int, forwards: bool | None) -> int:
        """The place nearest to another that shows a frame, where the loop runs in the direction asked for."""
        begin = place - place % self._period
        rising = [begin + k * self._period + frame for k in (-1, 0, 1)]
        if self._kind == "forward":
            forwards = True
        falling = [begin + k * self._period - frame for k in (0, 1, 2)]
        places = rising + falling if forwards is None else rising if forwards else falling
        return min(places, key=lambda other: (abs(other - place), other < place))
