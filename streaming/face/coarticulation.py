"""How sounds blend into one another on the lips: dominance functions, as in Cohen and Massaro, "Modeling
coarticulation in synthetic visual speech" (1993), with closures that always reach.

Sounds go in as they become known; the curves of a moment are final once everything up to ``REACH`` seconds
after it is known. Curves are a pure function of the sounds, so that speech in pieces gives the same curves as
speech in one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.face import visemes
from streaming.face.accents import StressAccents
from streaming.face.visemes import PAUSE, Viseme
from streaming.speech.base import Phoneme

RATE = 200
"""Samples of the curves per second."""

REACH = 0.105
"""How long before its start a sound can be seen on the lips, seconds."""
LINGER = 0.250
"""How long after its end."""
TAPER = 0.040
"""Over this long influence fades in and out at those limits."""

FLAT = 0.28
"""Full dominance lasts for this share of a sound on either side of its middle."""
VOWEL_SKIRT, CONSONANT_SKIRT, PAUSE_SKIRT = 0.045, 0.035, 0.050
WIDTH_SKIRT, PAUSE_WIDTH_SKIRT = 0.065, 0.080
"""Widths of the Gaussian skirts beside it, seconds."""
APERTURE_AHEAD, WIDTH_AHEAD = 1.15, 1.35
"""Skirts before a sound are this much wider: lips prepare."""
REST_DOMINANCE = 0.02
"""The closed mouth's constant say, which rules where nothing is spoken."""
SHORTEST_PAUSE = 0.060
"""Shorter pauses do not close the mouth."""
PAUSE_WEIGHT, PAUSE_WIDTH_WEIGHT = 1.0, 0.6

SMOOTHING_SECONDS = 0.023
SMOOTHING_TAPS = 9
"""Standard deviation of the Gaussian over aperture and width, and its taps on either side."""

CLOSE_SHARE, CLOSE_SECONDS = 0.42, (0.030, 0.085)
OPEN_SHARE, OPEN_SECONDS = 0.45, (0.030, 0.065)
"""Lips close over this share of the sound before, open over that of the sound after, within these limits."""
RELEASE = 0.42
"""A closure is held but for this last share of its sound."""
TONGUE_SECONDS = 0.050
ABSENT_SECONDS = 0.2
"""The length assumed of a neighbour that does not exist."""

PRESS_SHUTS, BITE_SHUTS = 0.75, 0.80
"""Parts of a closing ramp over which the aperture goes to 0."""
PRESS_FADES, BITE_FADES = 0.55, 0.50
"""From this part of the ramp on the pressed or bitten picture fades in."""
PRESS_NARROWS = 0.6
"""Share of a mouth's width that pressed lips give up."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A moment at which lips must be shut (``press``) or the lip be under the teeth. Seconds."""

    centre: float
    press: bool


@dataclass(frozen=True, slots=True)
class Curves:
    """Mouth coefficients sampled at :data:`RATE`, as arrays of one length."""

    aperture: NDArray[np.float64]
    width: NDArray[np.float64]
    press: NDArray[np.float64]
    bite: NDArray[np.float64]
    tongue: NDArray[np.float64]
    brow: NDArray[np.float64]


class Coarticulation:
    """Collects the sounds of one utterance and draws their curves.

    Attributes:
        known: seconds up to which all sounds are known.
        closures: those that are not forgotten, in order.
    """

    def __init__(self) -> None:
        self.known = 0.0
        # Columns: start, end, middle, flat half-width, aperture, width, their weights, their skirts.
        self._lobes: list[tuple[float, ...]] = []
        # Columns: start, hold end, seconds to close, seconds to open.
        self._ramps: dict[str, list[tuple[float, ...]]] = {"press": [], "bite": [], "tongue": []}
        self._stresses = StressAccents()
        self.closures: list[Closure] = []
        self._waiting: Phoneme | None = None
        self._previous_length = ABSENT_SECONDS

    def add(self, phonemes: Iterable[Phoneme], offset: float) -> None:
        """Take the next sounds, which start ``offset`` seconds into the utterance."""
        for phoneme in phonemes:
            symbol = visemes.letter(phoneme.symbol)
            sound = Phoneme(symbol, phoneme.start + offset, phoneme.end + offset, phoneme.stress)
            if symbol == visemes.MARK:
                sound = self._prolonged(sound)
            elif self._waiting is not None:
                self._place(self._waiting, sound.end - sound.start)
                self._waiting = None
            if sound.symbol == PAUSE:
                self._place(sound, 0.0)
            else:
                # How fast lips open after it depends on what follows.
                self._waiting = sound
            self.known = sound.end
        if self._waiting is not None:
            self.known = self._waiting.start

    def _prolonged(self, mark: Phoneme) -> Phoneme:
        """The sound that a mark belongs to, with the mark's time; after a pause more of the pause."""
        if self._waiting is None:
            return Phoneme(PAUSE, mark.start, mark.end)
        return Phoneme(self._waiting.symbol, self._waiting.start, mark.end, self._waiting.stress)

    def finish(self) -> None:
        """Nothing follows."""
        if self._waiting is not None:
            self._place(self._waiting, ABSENT_SECONDS)
            self._waiting = None
        self.known = math.inf

    def forget(self, before: float) -> None:
        """Drop what cannot be seen after ``before`` seconds."""
        self._lobes = [lobe for lobe in self._lobes if lobe[1] + LINGER > before]
        for name, ramps in self._ramps.items():
            self._ramps[name] = [ramp for ramp in ramps if ramp[1] + ramp[3] > before]
        self._stresses.forget(before)
        self.closures = [closure for closure in self.closures if closure.centre > before - LINGER]

    def curves(self, first: int, count: int) -> Curves:
        """Draw samples ``first .. first + count``; sample ``n`` is at ``n / RATE`` seconds."""
        wide_t = np.arange(first - SMOOTHING_TAPS, first + count + SMOOTHING_TAPS) / RATE
        aperture, width = (np.convolve(curve, _SMOOTHING, "valid") for curve in self._blend(wide_t))
        t = wide_t[SMOOTHING_TAPS : SMOOTHING_TAPS + count]
        press, bite, tongue = (self._ramped(name, t) for name in ("press", "bite", "tongue"))
        # Lips shut by geometry first, only then the pressed or bitten picture fades in: no ghosts.
        aperture *= (1 - _smoothstep(press / PRESS_SHUTS)) * (1 - _smoothstep(bite / BITE_SHUTS))
        press = _smoothstep((press - PRESS_FADES) / (1 - PRESS_FADES))
        bite = _smoothstep((bite - BITE_FADES) / (1 - BITE_FADES))
        width *= 1 - PRESS_NARROWS * press
        return Curves(visemes.APERTURE_GAIN * aperture, width, press, bite, tongue, self._stresses.brow(t))

    def _place(self, sound: Phoneme, next_length: float) -> None:
        start, end, symbol = sound.start, sound.end, sound.symbol
        length = end - start
        if symbol == PAUSE:
            if length > SHORTEST_PAUSE:
                rest = Viseme(0.0, 0.0, PAUSE_WEIGHT, PAUSE_WIDTH_WEIGHT)
                self._lobe(start, end, rest, PAUSE_SKIRT, PAUSE_WIDTH_SKIRT)
        elif symbol in visemes.DIPHTHONGS:
            one, two = (visemes.VOWELS[vowel] for vowel in visemes.DIPHTHONGS[symbol])
            middle = start + visemes.DIPHTHONG_SPLIT * length
            first = Viseme(one.aperture * _opening(sound.stress), one.width, 1.0, 0.8)
            second = Viseme(two.aperture * visemes.GLIDE, two.width)
            self._lobe(start, middle, first, VOWEL_SKIRT, WIDTH_SKIRT)
            self._lobe(middle, end, second, VOWEL_SKIRT, WIDTH_SKIRT)
        elif symbol in visemes.VOWELS:
            vowel = visemes.VOWELS[symbol]
            opened = Viseme(vowel.aperture * _opening(sound.stress), vowel.width, 1.0, vowel.width_weight)
            self._lobe(start, end, opened, VOWEL_SKIRT, WIDTH_SKIRT)
        else:
            consonant = visemes.CONSONANTS.get(symbol, visemes.UNKNOWN)
            self._lobe(start, end, consonant, CONSONANT_SKIRT, WIDTH_SKIRT)
            self._ramp(symbol, start, length, next_length)
        self._stresses.add(sound)
        self._previous_length = length

    def _lobe(self, start: float, end: float, target: Viseme, skirt: float, width_skirt: float) -> None:
        middle, flat = (start + end) / 2, FLAT * (end - start)
        weights = target.aperture_weight, target.width_weight
        self._lobes.append(
            (start, end, middle, flat, target.aperture, target.width, *weights, skirt, width_skirt)
        )

    def _ramp(self, symbol: str, start: float, length: float, next_length: float) -> None:
        hold_end = start + (1 - RELEASE) * length
        closing = min(max(CLOSE_SHARE * self._previous_length, CLOSE_SECONDS[0]), CLOSE_SECONDS[1])
        opening = min(max(OPEN_SHARE * next_length, OPEN_SECONDS[0]), OPEN_SECONDS[1])
        if symbol in visemes.TONGUED:
            self._ramps["tongue"].append((start, hold_end, TONGUE_SECONDS, TONGUE_SECONDS))
        elif symbol in visemes.PRESSED or symbol in visemes.BITTEN:
            press = symbol in visemes.PRESSED
            self._ramps["press" if press else "bite"].append((start, hold_end, closing, opening))
            self.closures.append(Closure((start + hold_end) / 2, press))

    def _blend(self, t: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Aperture and width as the weighted mean of all targets at each moment."""
        lobes = [lobe for lobe in self._lobes if lobe[0] - REACH < t[-1] and lobe[1] + LINGER > t[0]]
        if not lobes:
            return np.zeros_like(t), np.zeros_like(t)
        columns = np.array(lobes).T[:, :, None]
        start, end, middle, flat, aperture, width, weight, width_weight, skirt, width_skirt = columns
        before = t < middle
        away = np.maximum(np.abs(t - middle) - flat, 0.0)
        taper = _smoothstep(np.minimum(t - (start - REACH), end + LINGER - t) / TAPER)
        says = weight * taper * np.exp(-np.square(away / (skirt * np.where(before, APERTURE_AHEAD, 1.0))))
        width_says = (
            width_weight
            * taper
            * np.exp(-np.square(away / (width_skirt * np.where(before, WIDTH_AHEAD, 1.0))))
        )
        return (
            (says * aperture).sum(0) / (says.sum(0) + REST_DOMINANCE),
            (width_says * width).sum(0) / (width_says.sum(0) + REST_DOMINANCE),
        )

    def _ramped(self, name: str, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """The strongest of all ramps of this name at each moment, 0..1."""
        ramps = [r for r in self._ramps[name] if r[0] - r[2] < t[-1] and r[1] + r[3] > t[0]]
        if not ramps:
            return np.zeros_like(t)
        start, hold_end, closing, opening = np.array(ramps).T[:, :, None]
        rise = np.minimum((t - start + closing) / closing, (hold_end + opening - t) / opening)
        return _smoothstep(rise).max(0)


def _opening(stress: float) -> float:
    """How far a vowel opens with this stress: secondary stress is neutral."""
    if stress >= 1.0:
        return visemes.STRESSED
    return 1.0 if stress > 0.0 else visemes.UNSTRESSED


def _smoothstep(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _gaussian() -> NDArray[np.float64]:
    taps = np.arange(-SMOOTHING_TAPS, SMOOTHING_TAPS + 1)
    kernel = np.exp(-0.5 * np.square(taps / (SMOOTHING_SECONDS * RATE)))
    return kernel / kernel.sum()


_SMOOTHING = _gaussian()
