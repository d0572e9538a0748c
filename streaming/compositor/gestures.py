"""What a speaking head does with its phrases: a posture for each, beats on stress, and settling at the end.

Speakers take another head position with each larger unit of speech (Kendon 1972, "Some relationships between
body motion and speech"). Beats fall on stressed syllables, as nods, tilts and turns of a few degrees (Graf,
Cosatto, Strom and Huang, "Visual prosody: facial movements accompanying speech", 2002), and their peak on
the vowel (Leonard and Cummins, "The temporal relation between beat gestures and speech", 2011); yet by far
not every stress gets one. The head sinks a little as a phrase ends.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from streaming.compositor.chance import chance
from streaming.compositor.phrasing import Moment, share
from streaming.timing import SLOT_SECONDS

POSTURE = (1.0, 0.5, math.radians(0.45), math.radians(1.5), math.radians(0.7))
"""How far the posture of a phrase goes at most: shifts in pixels, roll, yaw, pitch."""
LIFT = math.radians(-0.7)
"""A phrase begins with the chin this much higher ..."""
SINK = (0.9, math.radians(1.1))
"""... and ends with the head this many pixels lower and the chin down,"""
SINK_SECONDS = 0.9
"""which is undone within about this time."""
MOVE_SECONDS, LEAVE_SECONDS = 0.20, 0.34
"""Time constants, taken twice, towards the posture of a phrase and back to idle life."""
LIFT_SECONDS = 1.1

BEATS = 0.72
"""Share of stresses that get a beat."""
Offsets = tuple[float, float, float, float, float]
"""Added to shifts (x, y), roll, yaw and pitch."""
BEAT_KINDS: tuple[tuple[float, Offsets], ...] = (
    (0.50, (0.0, 1.0, 0.0, 0.0, math.radians(1.7))),
    (0.66, (0.3, 0.7, math.radians(0.6), 0.0, math.radians(1.1))),
    (0.80, (0.5, 0.3, 0.0, math.radians(1.5), math.radians(0.8))),
    (0.92, (0.6, 0.2, math.radians(0.75), math.radians(0.8), 0.0)),
    (1.01, (0.0, -0.7, 0.0, 0.0, math.radians(-1.2))),
)
"""Up to these lots: a nod, a nod with a tilt, a turn, a tilt, the chin thrown up; to either side."""
STROKE_SECONDS, BACK_SECONDS = (0.15, 0.21), (0.30, 0.46)
"""To the peak of a beat, and back."""
MOST_BEATS = 3

BROW_SECONDS = 0.06
START_BROWS, START_BROW = 0.45, (0.15, 0.40)
"""Share of phrases that begin with raised brows, and how far."""
START_BROW_SECONDS = 0.5
"""In which they come down again; up they go in a third of that."""
RAISED_BROW = (0.5, 1.3)
"""How far, and for how many seconds, brows stay up after a phrase that sounds like a question."""

_POSTURES, _BEAT, _BROW = 2000, 2100, 2200


class _Beat(NamedTuple):
    start: int
    rise: float
    fall: float
    full: Offsets


class HeadGestures:
    """Follows one session's speech.

    Args:
        seed: of the session.
        scale: factor on pixels.

    Attributes:
        head: what speech adds to shifts (pixels), roll, yaw and pitch (radians).
        brow: what it adds to the brows, 0..1.
    """

    def __init__(self, seed: int, scale: float) -> None:
        self._seed = seed
        self._scale = scale
        self._target: Offsets = _NOWHERE
        self._towards = list(_NOWHERE)
        self._posture = list(_NOWHERE)
        self._beats: list[_Beat] = []
        self._start = self._end = -math.inf
        self._start_brow = 0.0
        self._raised = False
        self.head: Offsets = _NOWHERE
        self.brow = 0.0

    def follow(self, index: int, slots: int, moment: Moment) -> None:
        """Move on to slot ``index``, ``slots`` after the last one."""
        if moment.began:
            self._begin(index)
        if moment.ended:
            self._end, self._raised = index, moment.raised
        if moment.stress > 0 and chance(self._seed, _BEAT, index) < BEATS:
            self._beat(index, moment.stress)
        elapsed = slots * SLOT_SECONDS
        # Plain numbers: five are too few for arrays to pay.
        x, y, roll, yaw, pitch = self._settle(index, elapsed, moment.speaking)
        for beat in self._beats:
            part = _stroke((index - beat.start) * SLOT_SECONDS, beat.rise, beat.fall)
            if part:
                full = beat.full
                x += part * full[0]
                y += part * full[1]
                roll += part * full[2]
                yaw += part * full[3]
                pitch += part * full[4]
        self.head = (x * self._scale, y * self._scale, roll, yaw, pitch)
        self._raise_brows(index, elapsed, moment)

    def _begin(self, index: int) -> None:
        self._start = index
        turns = [2 * chance(self._seed, _POSTURES + k, index) - 1 for k in range(5)]
        # A head that turns to a side is also carried and tilted there.
        turns[0], turns[2] = 0.5 * (turns[0] + turns[3]), 0.5 * (turns[2] + turns[3])
        x, y, roll, yaw, pitch = (turn * most for turn, most in zip(turns, POSTURE, strict=True))
        self._target = x, y, roll, yaw, pitch
        lot = chance(self._seed, _BROW, index) / START_BROWS
        self._start_brow = START_BROW[0] + lot * (START_BROW[1] - START_BROW[0]) if lot < 1 else 0.0

    def _settle(self, index: int, elapsed: float, speaking: bool) -> list[float]:
        """On towards the posture of the phrase, or away from it when nobody speaks."""
        drop, chin = self._bow(index)
        x, y, roll, yaw, pitch = self._target if speaking else _NOWHERE
        part = share(elapsed, MOVE_SECONDS if speaking else LEAVE_SECONDS)
        towards, posture = self._towards, self._posture
        # Two low passes in a row: the head gathers speed and comes to rest without a jerk.
        for k, wanted in enumerate((x, y + drop, roll, yaw, pitch + chin)):
            towards[k] += (wanted - towards[k]) * part
            posture[k] += (towards[k] - posture[k]) * part
        return posture

    def _bow(self, index: int) -> tuple[float, float]:
        """The chin's rise as a phrase begins, and the head's fall as it ends: pixels and radians down."""
        if self._end <= self._start:
            return 0.0, LIFT * math.exp(-(index - self._start) * SLOT_SECONDS / LIFT_SECONDS)
        sunk = 1 - (index - self._end) * SLOT_SECONDS / SINK_SECONDS
        return (SINK[0] * sunk, SINK[1] * sunk) if sunk > 0 and not self._raised else (0.0, 0.0)

    def _beat(self, index: int, strength: float) -> None:
        kind, side, quick, back = (chance(self._seed, _BEAT + k, index) for k in range(1, 5))
        x, y, roll, yaw, pitch = next(beat for lot, beat in BEAT_KINDS if kind < lot)
        sideways = strength if side < 0.5 else -strength
        full = x * sideways, y * strength, roll * sideways, yaw * sideways, pitch * strength
        rise, fall = (
            low + lot * (high - low) for lot, (low, high) in ((quick, STROKE_SECONDS), (back, BACK_SECONDS))
        )
        going_on = [b for b in self._beats if (index - b.start) * SLOT_SECONDS < b.rise + b.fall]
        self._beats = [*going_on[-MOST_BEATS + 1 :], _Beat(index, rise, fall, full)]

    def _raise_brows(self, index: int, elapsed: float, moment: Moment) -> None:
        since = (index - self._start) * SLOT_SECONDS
        start = self._start_brow * _stroke(since, START_BROW_SECONDS / 3, START_BROW_SECONDS)
        height, seconds = RAISED_BROW
        held = 0.0
        if self._raised:
            held = height * _stroke((index - self._end) * SLOT_SECONDS, 0.3, seconds - 0.3)
        wanted = min(1.0, max(moment.brow, start, held))
        # Up with the stress, down more slowly.
        fading = 1.0 if wanted > self.brow else 2.0
        self.brow += (wanted - self.brow) * share(elapsed, BROW_SECONDS * fading)


def _stroke(since: float, rise: float, fall: float) -> float:
    """Up to 1 in ``rise`` seconds and back to 0 in ``fall``, without a corner."""
    if since <= 0 or since >= rise + fall:
        return 0.0
    return 0.5 - 0.5 * math.cos(math.pi * (since / rise if since < rise else 1 + (since - rise) / fall))


_NOWHERE: Offsets = (0.0, 0.0, 0.0, 0.0, 0.0)
