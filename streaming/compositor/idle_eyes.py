"""Where the eyes look and when they blink while nobody speaks: one stretch of time at a time.

Gaze: a listener looks at the other for 7.9 s on average and away for 0.43 s, and eyes jump rather than
glide, in 25 ms and 2.4 ms more per degree, by Lee, Badler and Badler, "Eyes Alive" (2002); a look longer than
about 3.3 s without any break begins to feel like a stare, by Binetti, Harrison, Coutrot, Johnston and
Mareschal, "Pupil dilation as an index of preferred mutual gaze duration" (2016). While they rest on a face
they wander between its eyes and mouth several times in a few seconds (Yarbus 1967).

Blinks: 17 a minute at rest and 26 in conversation, by Bentivoglio, Bressman, Cassetta, Carretta, Tonali and
Albanese, "Analysis of blink rate patterns in normal subjects" (1997), at intervals whose spread is wide and
skewed. Large gaze shifts bring a blink along, by Evinger, Manning, Pellegrini, Basso, Powers and Sibony,
"Not looking while leaping: the linkage of blinking and saccadic gaze shifts" (1994).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.compositor.blink import Blink, draw_blink
from streaming.timing import FPS

GLANCE_GAP = (5.9 * FPS, 0.45, 2.2 * FPS)
"""Slots between glances away from the viewer: median, spread of the logarithm, least."""
GLANCE = (0.55 * FPS, 0.32, 0.32 * FPS, 1.3 * FPS)
"""Slots that a glance lasts: median, spread of the logarithm, least and most."""
SIDEWAYS, DOWNWARD = 0.62, 0.90
"""Up to these lots a glance goes to a side, or down; else up."""
SECOND_LOOK = 0.22
"""Share of glances with a second landing on the way."""
FIXATION = (0.62 * FPS, 0.65, 0.16 * FPS, 3.2 * FPS)
"""Slots that the eyes rest on one place of the viewer's face: median, spread of the logarithm, bounds."""
FIXATION_REACH = (0.13, 0.16)
"""How far these places lie apart, sideways and down, in full gazes."""
BLINK_GAP = (4.0 * FPS, 0.62, 0.7 * FPS, 9.0 * FPS)
"""Slots from one blink to the next: median, spread of the logarithm, bounds."""
DOUBLE = 0.09
"""Share of blinks that come as two."""
DOUBLE_GAP = (1.5, 5.0)
BLINK_AWAY, BLINK_BACK = 0.40, 0.25
"""Share of glances that begin, and that end, with a blink."""
BLINKS_APART = 0.8 * FPS
"""Slots around such a blink without another."""
QUIET_ENDS = 12
"""Slots at both ends of a stretch without glance or blink, so that stretches fit together."""


@dataclass(frozen=True, slots=True, eq=False)
class IdleEyes:
    """The eyes during one stretch of slots.

    Attributes:
        closure: (n,) 0 open .. 1 shut.
        gaze: (n, 2) x and y of the direction in -1..1, to the picture's right and down; (0, 0) is the viewer.
    """

    closure: NDArray[np.float32]
    gaze: NDArray[np.float32]


def idle_eyes(random: np.random.Generator, length: int, startles: list[float]) -> IdleEyes:
    """Draw a stretch of ``length`` slots.

    Args:
        random: consumed.
        length: slots.
        startles: moments at which the head moves enough to bring a blink along.
    """
    glances = _glances(random, length)
    saccades = _fixations(random, length)
    for start, end, x, y in glances:
        saccades = [s for s in saccades if not start <= s[0] < end]
        saccades.append((start, x, y))
        if random.random() < SECOND_LOOK and end - start > 0.5 * FPS:
            part = random.uniform(0.4, 0.7)
            saccades.append((start + part * (end - start), x * 0.75, y + random.uniform(-0.1, 0.2)))
        saccades.append((end, random.normal(0, 0.03), random.normal(0, 0.03)))
    gaze = _gaze_path(sorted(saccades), length)
    blinks = _blinks(random, length, glances, startles)
    closure = np.zeros(length, np.float32)
    for blink in blinks:
        for slot in range(math.ceil(blink.start), min(length, math.ceil(blink.end))):
            closure[slot] = max(closure[slot], blink.closure(slot))
    return IdleEyes(closure, gaze)


def glance_direction(lot: float, side: float) -> tuple[float, float]:
    """Where a glance goes, as full gaze.

    Args:
        lot: 0..1, which way.
        side: 0..1, left or right, and how far up or down.
    """
    sign = 1.0 if side < 0.5 else -1.0
    shade = 4 * abs(side - 0.5) - 1
    if lot < SIDEWAYS:
        return sign, 0.12 * shade
    return (0.2 * sign * (1 + shade), 1.0) if lot < DOWNWARD else (0.8 * sign, -0.5 - 0.3 * shade)


def _spread(random: np.random.Generator, median: float, spread: float, *bounds: float) -> float:
    value = median * math.exp(spread * random.standard_normal())
    value = max(value, bounds[0]) if bounds else value
    return min(value, bounds[1]) if len(bounds) > 1 else value


def _glances(random: np.random.Generator, length: int) -> list[tuple[float, float, float, float]]:
    """(start, end, x, y) of each glance away."""
    glances: list[tuple[float, float, float, float]] = []
    at = QUIET_ENDS + random.random() * GLANCE_GAP[0]
    while True:
        end = at + _spread(random, *GLANCE)
        if end > length - QUIET_ENDS:
            return glances
        glances.append((at, end, *glance_direction(random.random(), random.random())))
        at = end + _spread(random, *GLANCE_GAP)


def _fixations(random: np.random.Generator, length: int) -> list[tuple[float, float, float]]:
    """(moment, x, y) of the small jumps over the viewer's face."""
    jumps: list[tuple[float, float, float]] = []
    at = 0.0
    while at < length:
        x = float(np.clip(random.normal(0, 0.6), -1, 1)) * FIXATION_REACH[0]
        y = max(0.0, random.normal(0.1, 0.5)) * FIXATION_REACH[1]
        jumps.append((at, x, min(y, FIXATION_REACH[1])))
        at += _spread(random, *FIXATION)
    return jumps


def _gaze_path(saccades: list[tuple[float, float, float]], length: int) -> NDArray[np.float32]:
    """The direction in every slot; one frame at most shows a jump, and both its ends, as a camera would."""
    path = np.zeros((length, 2), np.float32)
    for at, x, y in saccades:
        slot = int(at)
        new = np.array((x, y), np.float32)
        if slot < length:
            path[slot] += (new - path[slot]) * np.float32(slot + 1 - at)
            path[slot + 1 :] = new
    return path


def _blinks(
    random: np.random.Generator,
    length: int,
    glances: list[tuple[float, float, float, float]],
    startles: list[float],
) -> list[Blink]:
    last = length - QUIET_ENDS
    moments = [start - 0.6 for start, *_ in glances if random.random() < BLINK_AWAY]
    moments += [end - 0.6 for _, end, *_ in glances if random.random() < BLINK_BACK]
    moments += startles
    bound = [draw_blink(at, random.random) for at in sorted(moments) if QUIET_ENDS < at < last - 10]
    kept: list[Blink] = []
    for blink in bound:
        if not kept or blink.start - kept[-1].start > BLINKS_APART:
            kept.append(blink)
    at = QUIET_ENDS + random.random() * BLINK_GAP[0]
    while at < last - 20:
        if all(abs(at - blink.start) > BLINKS_APART for blink in kept):
            blink = draw_blink(at, random.random)
            kept.append(blink)
            if random.random() < DOUBLE:
                kept.append(draw_blink(blink.end + random.uniform(*DOUBLE_GAP), random.random))
        at += _spread(random, *BLINK_GAP)
    if not kept and length > 2 * QUIET_ENDS:
        # A short loop must blink, too.
        kept.append(draw_blink((length - QUIET_ENDS) / 2, random.random, whole=True))
    return kept
