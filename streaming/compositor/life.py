"""What a living head does by itself: sway, breathing, blinks, gaze and brows.

Everything follows from the slot index and a seed alone, so that any slot can be drawn without those before
it. With a ``period`` the same motion closes seamlessly, for idle loops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.timing import FPS

BLINK = (0.45, 1.0, 1.0, 0.74, 0.40, 0.20)
"""Lid closure in the frames of one blink: 240 ms. Lids fall faster than they rise."""
BLINK_CELL = round(3.4 * FPS)
"""One blink (or a double one) falls into each stretch of this many slots, somewhere."""
DOUBLE_BLINK = 0.14
"""Share of blinks that come as two."""
DOUBLE_GAP = 4
GAZE_CELL = round(1.6 * FPS)
LOOK_AWAY = 0.30
"""Share of these stretches with a glance away from the viewer."""
LOOK_AWAY_SPEAKING = 0.15
GLANCE = (round(0.4 * FPS), round(0.96 * FPS))
"""Shortest and longest glance away. Somebody who looks away for longer seems absent."""
GLANCE_MARGIN = 3
"""Slots at the viewer before each glance."""

TYPICAL_EYE_SPAN = 120.0
"""Eye span in pixels for which the shifts below are given."""

# (field, amplitude, period in seconds, phase): two waves of no common period never repeat within a talk.
_WAVES: tuple[tuple[str, float, float, float], ...] = (
    ("shift_x", 1.3, 7.3, 0.3),
    ("shift_x", 0.8, 4.1, 1.9),
    ("shift_y", 0.7, 5.7, 2.1),
    ("shift_y", 0.4, 3.3, 0.2),
    ("roll", math.radians(0.55), 8.9, 1.1),
    ("roll", math.radians(0.30), 5.1, 2.7),
    ("yaw", math.radians(1.2), 6.7, 0.9),
    ("yaw", math.radians(0.6), 3.9, 2.2),
    ("pitch", math.radians(0.8), 6.1, 0.1),
    ("pitch", math.radians(0.4), 3.7, 1.2),
    ("breath", 0.9, 4.3, 0.0),
    ("brows", 0.16, 6.3, 0.5),
    ("brows", 0.12, 2.9, 1.0),
)
_FIELDS = ("shift_x", "shift_y", "roll", "yaw", "pitch", "breath", "brows")
_IN_PIXELS = ("shift_x", "shift_y", "breath")

LIVELIER = 0.35
"""How much more the head sways while it speaks loudly."""
NOD_PITCH = math.radians(1.6)
NOD_DROP = 1.2
"""Pitch (chin down) and pixels of a full nod."""
NOD_ENERGY, NOD_ACCENT, NOD_STRESS = 0.35, 0.25, 1.5
"""How much of a nod come from being loud, from getting louder, and from a stressed vowel (brow)."""
BROW_RAISE = 0.55


@dataclass(frozen=True, slots=True)
class Speaking:
    """What speech does to the head in one frame, each 0..1.

    Attributes:
        energy: smoothed loudness.
        accent: how far the loudness now is above its recent mean.
        brow: what the engine asks of the brows.
    """

    energy: float = 0.0
    accent: float = 0.0
    brow: float = 0.0


SILENT = Speaking()


class Life:
    """The life of one session's head. Stateless: ask for any slot in any order.

    Args:
        seed: varies phases, blinks and gaze.
        eye_span: distance between the outer eye corners in pixels; scales shifts.
        period: slots after which the motion repeats; never, when not given.
    """

    def __init__(self, seed: int, eye_span: float = TYPICAL_EYE_SPAN, period: int | None = None) -> None:
        self._seed = seed
        self._period = period
        count = len(_WAVES)
        rates = np.array([1 / (wave[2] * FPS) for wave in _WAVES])
        if period is not None:
            rates = np.maximum(np.round(rates * period), 1) / period
        turns = np.array([_random(seed, 0, k) for k in range(count)])
        # Seed 0 keeps the phases of the table; others turn each wave by a part of its cycle.
        self._phases = np.array([wave[3] for wave in _WAVES]) + 2 * np.pi * turns * (seed != 0)
        self._rates = 2 * np.pi * rates
        scale = eye_span / TYPICAL_EYE_SPAN
        self._mixing = np.zeros((len(_FIELDS), count))
        for k, (field, amplitude, _, _) in enumerate(_WAVES):
            self._mixing[_FIELDS.index(field), k] = amplitude * (scale if field in _IN_PIXELS else 1)
        self._scale = scale

    def head(self, index: int, speaking: Speaking = SILENT) -> NDArray[np.float32]:
        """Coefficients (7,) of ``avatars.atlas.MOTIONS`` for a slot."""
        index = self._folded(index)
        sway = self._mixing @ np.sin(self._rates * index + self._phases)
        sway[:5] *= 1 + LIVELIER * speaking.energy
        nod = NOD_ENERGY * speaking.energy + NOD_ACCENT * speaking.accent + NOD_STRESS * speaking.brow
        sway[1] += NOD_DROP * self._scale * nod
        sway[4] += NOD_PITCH * nod
        sway[6] = min(1.0, max(0.0, sway[6]) + BROW_RAISE * speaking.accent + speaking.brow)
        sway[2:5] = np.sin(sway[2:5])
        return sway.astype(np.float32)

    def lids(self, index: int) -> float:
        """How far the lids are closed in a slot, 0..1."""
        cell, place, length = self._cell(index, BLINK_CELL)
        span = 2 * len(BLINK) + DOUBLE_GAP
        start = int(_random(self._seed, 1, cell) * max(1, length - span))
        since = place - start
        if since >= len(BLINK) + DOUBLE_GAP and _random(self._seed, 2, cell) < DOUBLE_BLINK:
            since -= len(BLINK) + DOUBLE_GAP
        return BLINK[since] if 0 <= since < len(BLINK) else 0.0

    def gaze(self, index: int, choices: int, speaking: Speaking = SILENT) -> int:
        """Which of ``choices`` directions the eyes look in; 0, the viewer, is by far the most frequent."""
        cell, place, length = self._cell(index, GAZE_CELL)
        share = LOOK_AWAY_SPEAKING if speaking.energy > 0.1 else LOOK_AWAY
        if choices < 2 or _random(self._seed, 4, cell) >= share:
            return 0
        lasts = GLANCE[0] + _random(self._seed, 6, cell) * (GLANCE[1] - GLANCE[0])
        spare = max(0.0, length - GLANCE_MARGIN - lasts)
        since = place - GLANCE_MARGIN - int(_random(self._seed, 3, cell) * spare)
        return 1 + int(_random(self._seed, 5, cell) * (choices - 1)) if 0 <= since < int(lasts) else 0

    def _folded(self, index: int) -> int:
        return index if self._period is None else index % self._period

    def _cell(self, index: int, length: int) -> tuple[int, int, int]:
        """Number of the stretch that holds a slot, the slot's place in it, and its length."""
        index = self._folded(index)
        if self._period is None:
            cell = index // length
            return cell, index - cell * length, length
        count = max(1, self._period // length)
        cell = min(index // length, count - 1)
        end = self._period if cell == count - 1 else (cell + 1) * length
        return cell, index - cell * length, end - cell * length


def _random(seed: int, stream: int, number: int) -> float:
    """An evenly spread number in 0..1 that depends on its arguments alone (the splitmix64 mixer)."""
    mask = (1 << 64) - 1
    z = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + number * 0x8CB92BA72F3D8DD7 + 1) & mask
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = ((z ^ (z >> shift)) * factor) & mask
    return ((z ^ (z >> 31)) >> 11) / (1 << 53)
