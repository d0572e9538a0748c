"""Stress that lifts the brows, where sounds are known and where they are not.

Speakers raise their brows with stress that stands out, shortly before its vowel and seldom more often than
once a second, and more at the beginning of what they say (Flecha-Garcia, "Eyebrow raises in dialogue and
their relation to discourse structure, utterance function and pitch accents in English", 2010).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from streaming.face.visemes import DIPHTHONGS, PAUSE, VOWELS
from streaming.speech.base import Phoneme
from streaming.timing import FPS, SLOT_SECONDS

VOWEL_SECONDS, OPENING_VOWEL_SECONDS = 0.110, 0.075
"""A stressed vowel of this length can lift the brows; the first one of a phrase needs less."""
APART_SECONDS, STRONG_APART_SECONDS, STRONG_VOWEL_SECONDS = 1.100, 0.750, 0.180
"""Accents are this far apart; those on vowels of the last length at least by the second."""
PHRASE_PAUSE_SECONDS = 0.150
"""A pause of this length begins a phrase."""
AHEAD = 0.080
RAISED_SECONDS = (0.36, 0.56)
"""How early brows begin to rise, and how long they are up, at no lift and at full lift."""
STRESS_LIFT, OPENING_LIFT, STRESS_GROWTH, STRESS_LIMIT = 0.25, 0.15, 2.0, 0.8
"""How far such a vowel lifts the brows, how much more when it is the first of a phrase, how much more per
second beyond its least length, and at most."""

MEAN_SECONDS = 1.2
"""The voice's usual loudness is its mean over about this long; pauses do not count."""
QUIET = 0.55
"""Below this share of the usual loudness there is a pause."""
PROMINENT, RISING = 0.06, 0.04
"""How far loudness must be above the usual, and above that of two frames before, to be an accent. 0.1 is 3
decibels."""
LIFT, GROWTH, LIMIT = 0.2, 2.5, 0.7
"""How far an accent lifts the brows, how much more per loudness beyond the least, and at most."""
GAP_FRAMES = round(1.1 * FPS)
"""Frames from one accent to the next, at least."""
ACCENT_FRAMES = round(0.44 * FPS)
GROWING_FRAMES = 3
"""So long after its beginning an accent can still turn out to be stronger."""
FIRST_FRAMES = 12
"""Frames of voice before the usual loudness means anything."""


class StressAccents:
    """Brows of known sounds: a pure function of them."""

    def __init__(self) -> None:
        # When the brows begin to rise, how far they do, and for how many seconds.
        self._raises: list[tuple[float, float, float]] = []
        self._last = -math.inf
        self._pause = math.inf

    def add(self, sound: Phoneme) -> None:
        """Take the next sound; seconds from the utterance's start."""
        length = sound.end - sound.start
        if sound.symbol == PAUSE:
            self._pause += length
        elif (sound.symbol in VOWELS or sound.symbol in DIPHTHONGS) and sound.stress >= 1.0:
            self._stress(sound.start, length)
            self._pause = 0.0

    def forget(self, before: float) -> None:
        """Drop what cannot be seen after ``before`` seconds."""
        self._raises = [each for each in self._raises if each[0] + each[2] > before]

    def brow(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far the brows are raised at each moment, 0..1."""
        brow = np.zeros_like(t)
        for start, lift, seconds in self._raises:
            phase = np.clip((t - start) / seconds, 0, 1)
            brow = np.maximum(brow, lift * 0.5 * (1 - np.cos(2 * np.pi * phase)))
        return brow

    def _stress(self, start: float, length: float) -> None:
        opening = self._pause >= PHRASE_PAUSE_SECONDS
        least = OPENING_VOWEL_SECONDS if opening else VOWEL_SECONDS
        apart = STRONG_APART_SECONDS if opening or length >= STRONG_VOWEL_SECONDS else APART_SECONDS
        if length < least or start - self._last < apart:
            return
        self._last = start
        lift = STRESS_LIFT + OPENING_LIFT * opening + STRESS_GROWTH * (length - least)
        lift = min(STRESS_LIMIT, lift)
        short, long = RAISED_SECONDS
        self._raises.append((start - AHEAD, lift, short + lift * (long - short)))


class Accents:
    """Brows of speech whose sounds nobody knows: they rise where the voice gets louder than it was.

    Follows one utterance, frame by frame, without looking ahead.
    """

    def __init__(self) -> None:
        self._usual = 0.0
        self._voiced = 0
        self._before = (0.0, 0.0)
        self._since = GAP_FRAMES
        self._strength = 0.0

    def take(self, energy: float) -> float:
        """How far the brows are raised in the next frame, 0..1.

        Args:
            energy: its loudness as :class:`streaming.face.loudness.Loudness` tells it, 0..1.
        """
        energy = min(energy, 1.0) if energy > 0 else 0.0
        rise = energy - self._before[0]
        self._before = (self._before[1], energy)
        self._since += 1
        above = energy - self._usual - PROMINENT
        if energy > QUIET * self._usual:
            if self._voiced >= FIRST_FRAMES and above >= 0:
                self._accent(above, rise)
            self._voiced += 1
            part = 1 - math.exp(-SLOT_SECONDS / MEAN_SECONDS)
            self._usual += (energy - self._usual) * max(part, 1 / self._voiced)
        phase = self._since / ACCENT_FRAMES
        return self._strength * (0.5 - 0.5 * math.cos(2 * math.pi * phase)) if phase < 1 else 0.0

    def _accent(self, above: float, rise: float) -> None:
        strength = min(LIMIT, LIFT + GROWTH * above)
        if self._since >= GAP_FRAMES and rise >= RISING:
            self._since, self._strength = 0, strength
        elif self._since <= GROWING_FRAMES:
            self._strength = max(self._strength, strength)
