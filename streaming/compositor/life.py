"""What a living head does by itself, and how speech joins in.

Idle life follows from the slot index and a seed alone, so that any slot can be drawn without those before it.
It is drawn in stretches of half a minute, each from the seed and its own number. With a ``period`` the same
motion closes seamlessly, for idle loops.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streaming.compositor.idle_eyes import IdleEyes, idle_eyes
from streaming.compositor.idle_head import AXES, IdleHead, idle_head
from streaming.compositor.speaking import SILENT, Speaking
from streaming.timing import FPS

STRETCH = 30 * FPS
"""Slots that are drawn at once: 1 ms of work twice a minute, instead of some for every frame."""
KEPT_STRETCHES = 2
"""Where one ends and the next begins, both are asked for."""
TYPICAL_EYE_SPAN = 120.0
"""Eye span in pixels for which shifts are given."""

FARTHEST = (6.0, 5.0, math.radians(3.2), math.radians(5.5), math.radians(4.2))
"""Where each of the head's own fields ends, softly: a still bends only so far. Pixels and radians."""
FULL_BROW = 1.5
"""Coefficient of fully raised brows: one of the field moves them by 2 mm, and people raise them further."""
FULL_GAZE = math.radians(7.0)
"""How far eyes turn at full gaze."""
EYES_STAY = 0.6
"""Share of the head's turning that the eyes make up for to stay with the viewer (vestibulo-ocular reflex)."""
MOST_STAY = 0.30
LID_FOLLOWS = 0.13
"""Upper lids go down with a full downward gaze by this much closure, as they are moved together with it."""
SMALL_GAZE = 0.16
"""Attentive eyes leave the viewer's by no more than this."""


class Pose(NamedTuple):
    """All of a frame but the mouth.

    Attributes:
        motion: (7,) coefficients of ``avatars.atlas.MOTIONS``.
        closure: of the lids, 0 open .. 1 shut.
        gaze: direction (x, y) in -1..1, to the picture's right and down; (0, 0) is straight ahead.
    """

    motion: NDArray[np.float32]
    closure: float
    gaze: tuple[float, float]


class _Stretch(NamedTuple):
    first: int
    head: IdleHead
    eyes: IdleEyes
    bounded: NDArray[np.float32]
    """(n, 7) what idle life makes of the head: its motion within limits."""


class Life:
    """The life of one session's head. Ask for any slot in any order.

    Args:
        seed: varies everything.
        eye_span: distance between the outer eye corners in pixels; scales shifts.
        period: slots after which the motion repeats; never, when not given.
    """

    def __init__(self, seed: int, eye_span: float = TYPICAL_EYE_SPAN, period: int | None = None) -> None:
        self.seed = seed
        self.scale = eye_span / TYPICAL_EYE_SPAN
        self._period = period
        self._count = None if period is None else max(1, round(period / STRETCH))
        self._farthest = (FARTHEST[0] * self.scale, FARTHEST[1] * self.scale, *FARTHEST[2:])
        # Stretches in use, to be drawn once; nothing depends on which are there.
        self._drawn: dict[int, _Stretch] = {}

    def pose(self, index: int, speaking: Speaking = SILENT) -> Pose:
        """Head, lids and gaze of a slot."""
        stretch, place = self._at(index)
        motion = stretch.bounded[place]
        gaze_x, gaze_y = stretch.eyes.gaze[place].tolist()
        closure = float(stretch.eyes.closure[place])
        if speaking.presence > 0:
            motion = self._spoken(stretch.head, place, speaking)
            if speaking.glance is not None:
                gaze_x, gaze_y = speaking.glance
            elif speaking.attentive:
                gaze_x = min(max(gaze_x, -SMALL_GAZE), SMALL_GAZE)
                gaze_y = min(max(gaze_y, -SMALL_GAZE), SMALL_GAZE)
            closure = max(closure, speaking.closure)
        stay = -EYES_STAY * float(motion[3]) / FULL_GAZE
        gaze_x = _within(gaze_x + min(max(stay, -MOST_STAY), MOST_STAY))
        closure += (1 - closure) * LID_FOLLOWS * max(0.0, gaze_y)
        return Pose(motion, closure, (gaze_x, _within(gaze_y)))

    def blinks(self, first: int, stop: int) -> bool:
        """Whether idle life blinks in any of the slots ``first .. stop``."""
        return any(self._closure(index) > 0 for index in range(max(0, first), stop))

    def breath(self, index: int) -> float:
        """How far the chest is raised in a slot, in pixels at the typical eye span."""
        stretch, place = self._at(index)
        return float(stretch.bounded[place, AXES]) / self.scale

    def _closure(self, index: int) -> float:
        stretch, place = self._at(index)
        return float(stretch.eyes.closure[place])

    def _spoken(self, head: IdleHead, place: int, speaking: Speaking) -> NDArray[np.float32]:
        idle: list[float] = head.motion[place].tolist()
        talk: list[float] = head.talk[place].tolist()
        # Plain numbers: five are too few for arrays to pay. Small motion stays, large motion ends softly.
        motion = [
            most * math.tanh((own + speaking.liveliness * more + moved) / most)
            for own, more, moved, most in zip(idle, talk, speaking.head, self._farthest, strict=False)
        ]
        motion.append(idle[AXES] + speaking.presence * (self.scale * speaking.breath - idle[AXES]))
        motion.append(FULL_BROW * min(1.0, idle[AXES + 1] + speaking.brow))
        return np.array(motion, np.float32)

    def _at(self, index: int) -> tuple[_Stretch, int]:
        """The stretch that holds a slot, and the slot's place in it."""
        if self._period is None or self._count is None:
            number = index // STRETCH
        else:
            index %= self._period
            number = index * self._count // self._period
        stretch = self._drawn.get(number)
        if stretch is None:
            while len(self._drawn) >= KEPT_STRETCHES:
                del self._drawn[next(iter(self._drawn))]
            stretch = self._drawn[number] = self._draw(number)
        return stretch, index - stretch.first

    def _draw(self, number: int) -> _Stretch:
        if self._period is None or self._count is None:
            first, stop, following = number * STRETCH, (number + 1) * STRETCH, number + 1
        else:
            # The first slot whose share of the period reaches this number.
            first, stop = (-(-n * self._period // self._count) for n in (number, number + 1))
            following = (number + 1) % self._count
        random = np.random.default_rng([abs(self.seed), int(self.seed < 0), number])
        slots = np.arange(first, stop, dtype=np.float64)
        head = idle_head(self.seed, random, slots, (number, following), self.scale, self._period)
        eyes = idle_eyes(random, stop - first, head.startles)
        bounded = head.motion.copy()
        farthest = np.array(self._farthest, np.float32)
        bounded[:, :AXES] = np.tanh(bounded[:, :AXES] / farthest) * farthest
        bounded[:, AXES + 1] *= FULL_BROW
        return _Stretch(first, head, eyes, bounded)


def _within(value: float) -> float:
    return min(max(value, -1.0), 1.0)
