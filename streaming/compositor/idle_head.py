"""How a head moves while nobody speaks: it is never quite still, and every so often it takes another posture.

Small wander is noise below one hertz, where nearly all motion of a resting head lies. Conversation partners
change their posture at intervals of seconds to minutes (Kendon, "Movement coordination in social
interaction", 1970; Bull, "Posture and Gesture", 1987). A resting person breathes 12 to 18 times a minute, in
faster than out; the chest moves by millimetres, and the head rises with it a little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.compositor.chance import chance
from streaming.compositor.noise import smooth_noise
from streaming.timing import FPS

AXES = 5
"""The head's own fields, which come first among ``avatars.atlas.MOTIONS``: shifts (x, y), roll, yaw, pitch.
Shifts are pixels, angles are radians: below 6 degrees their sine is the same within 0.2 %."""
WANDER = (0.55, 0.35, math.radians(0.28), math.radians(0.55), math.radians(0.40))
WANDER_CELL = 1.9 * FPS
TREMBLE = (0.16, 0.11, math.radians(0.08), math.radians(0.15), math.radians(0.11))
TREMBLE_CELL = 0.55 * FPS
"""Standard deviations of slow and of quicker wander, and slots between their random numbers."""
POSTURE = (1.3, 0.6, math.radians(0.75), math.radians(1.25), math.radians(0.65))
"""Standard deviations of postures. A posture goes no further than 1.7 of these."""
LEAN = 0.6
"""How much a head that turns to a side is also carried and tilted there."""
POSTURE_GAP = (8.0 * FPS, 17.0 * FPS)
FIRST_POSTURE = (3.0 * FPS, 12.0 * FPS)
"""Slots from one posture to the next, and to the first of a stretch."""
POSTURE_MOVE = (0.8 * FPS, 1.7 * FPS)
"""Slots that the change takes."""
STARTLE = math.radians(1.6)
"""Changes that turn the head by at least this much may bring a blink along ..."""
STARTLES = 0.55
"""... this often."""

BREATH_PERIOD = 4.1 * FPS
BREATH_UNEVEN = 0.22
"""Spread of the breath's phase in cycles: no two breaths last alike."""
BREATH_CELL = 7.0 * FPS
INHALE, EXHALE = 0.38, 0.46
"""Shares of a breath; the rest is a pause."""
BREATH_DEPTH, BREATH_DEEPER = 1.8, 0.22
"""Pixels from empty to full, and the spread of that from breath to breath."""
BREATH_PITCH = math.radians(-0.22)
"""A full chest lifts the chin."""

BROW_WANDER = 0.07
BROW_CELL = 1.3 * FPS
BROW_FLASHES = 0.35
"""Share of postures that come with raised brows."""
BROW_FLASH = (0.18, 0.45)
BROW_FLASH_SLOTS = 0.8 * FPS

TALK = (0.40, 0.45, math.radians(0.26), math.radians(0.55), math.radians(0.45))
TALK_CELL = 0.42 * FPS
"""Spread and slots per random number of what speech adds: a speaking head is hardly ever still, with most of
its motion below 2 Hz (Hadar, Steiner, Grant and Rose, "Kinematics of head movements accompanying speech
during conversation", 1983)."""

_POSTURES, _WANDER, _TREMBLE, _BREATH, _DEPTH, _BROW, _TALK = (100 * k for k in range(1, 8))
"""Streams of chance; each axis takes the next one."""


@dataclass(frozen=True, slots=True, eq=False)
class IdleHead:
    """The head during one stretch of ``n`` slots.

    Attributes:
        motion: (n, 7) coefficients of ``avatars.atlas.MOTIONS``.
        talk: (n, 5) what speech adds to the head's own fields.
        startles: moments in slots of the stretch at which a change of posture may bring a blink along.
    """

    motion: NDArray[np.float32]
    talk: NDArray[np.float32]
    startles: list[float]


def idle_head(
    seed: int,
    random: np.random.Generator,
    slots: NDArray[np.float64],
    stretch: tuple[int, int],
    scale: float,
    period: float | None,
) -> IdleHead:
    """Draw a stretch.

    Args:
        seed: of the session.
        random: consumed; decides on postures.
        slots: (n,) the session's slots in the stretch.
        stretch: numbers of this stretch and of the next, whose first postures are the first and last here.
        scale: factor on pixels.
        period: slots after which noise repeats.
    """
    motion = np.zeros((len(slots), AXES + 2))
    posture, startles, flashes = _postures(seed, random, len(slots), stretch)
    motion[:, :AXES] = posture
    talk = np.zeros((len(slots), AXES))
    for k in range(AXES):
        motion[:, k] += WANDER[k] * smooth_noise(seed, _WANDER + k, slots, WANDER_CELL, period)
        motion[:, k] += TREMBLE[k] * smooth_noise(seed, _TREMBLE + k, slots, TREMBLE_CELL, period)
        talk[:, k] = TALK[k] * smooth_noise(seed, _TALK + k, slots, TALK_CELL, period)
    breath = _breath(seed, slots, period)
    motion[:, 4] += BREATH_PITCH * breath
    motion[:, AXES] = BREATH_DEPTH * breath
    motion[:, AXES + 1] = BROW_WANDER * smooth_noise(seed, _BROW, slots, BROW_CELL, period)
    motion[:, AXES + 1] += flashes
    np.maximum(motion[:, AXES + 1], 0, out=motion[:, AXES + 1])
    motion[:, (0, 1, AXES)] *= scale
    talk[:, :2] *= scale
    return IdleHead(motion.astype(np.float32), talk.astype(np.float32), startles)


def ease(part: NDArray[np.floating]) -> NDArray[np.floating]:
    """The course from 0 to 1 with the least jerk: how limbs move (Flash and Hogan 1985)."""
    part = np.clip(part, 0, 1)
    return part**3 * (10 - 15 * part + 6 * part**2)


def _posture(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """(5,) a posture, from five even numbers in 0..1."""
    # Three even numbers make a bell of standard deviation 1 that ends at 3; it is cut long before.
    turns = np.clip(math.sqrt(12) * (turns - 0.5), -1.7, 1.7)
    turns[:3:2] = (1 - LEAN) * turns[:3:2] + LEAN * turns[3]
    return turns * np.array(POSTURE)


def _postures(
    seed: int, random: np.random.Generator, length: int, stretch: tuple[int, int]
) -> tuple[NDArray[np.float64], list[float], NDArray[np.float64]]:
    """Path (length, 5), moments that may bring a blink along, and raised brows (length,)."""
    first, last = (
        _posture(np.array([chance(seed, _POSTURES + k, number) for k in range(AXES)])) for number in stretch
    )
    path = np.tile(first, (length, 1))
    brows = np.zeros(length)
    startles: list[float] = []
    starts = [random.uniform(*FIRST_POSTURE)]
    while starts[-1] + POSTURE_GAP[1] < length - POSTURE_MOVE[1]:
        starts.append(starts[-1] + random.uniform(*POSTURE_GAP))
    slots = np.arange(length)
    now = first
    for k, start in enumerate(starts):
        target = last if k == len(starts) - 1 else _posture(random.random(AXES))
        move = random.uniform(*POSTURE_MOVE)
        path += ease((slots - start) / move)[:, None] * (target - now)
        if abs(target[3] - now[3]) > STARTLE and random.random() < STARTLES:
            startles.append(start + 0.15 * move)
        if random.random() < BROW_FLASHES and start + BROW_FLASH_SLOTS < length:
            part = np.clip((slots - start) / BROW_FLASH_SLOTS, 0, 1)
            brows += random.uniform(*BROW_FLASH) * np.sin(np.pi * part) ** 2
        now = target
    return path, startles, brows


def _breath(seed: int, slots: NDArray[np.float64], period: float | None) -> NDArray[np.float64]:
    """How full the chest is, about 0..1."""
    cycles = 1 / BREATH_PERIOD if period is None else max(1, round(period / BREATH_PERIOD)) / period
    phase = slots * cycles + BREATH_UNEVEN * smooth_noise(seed, _BREATH, slots, BREATH_CELL, period)
    phase = (phase + chance(seed, _BREATH, -1)) % 1
    full = ease(phase / INHALE) - ease((phase - INHALE) / EXHALE)
    return full * (1 + BREATH_DEEPER * smooth_noise(seed, _DEPTH, slots, BREATH_CELL, period))
