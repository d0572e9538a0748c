"""Batches: pieces of utterances with pauses between them, at other tempos, levels, colours and in noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.face.log_mel import BANDS
from training.visemes.corpus import POWER_FLOOR, Utterance
from training.visemes.labels import CHANNELS, SILENCE, VOWEL_CLASSES, WIDTH
from training.visemes.noises import noise, ripple

LEAD, MOST_MISSING = 80, 90
"""Up to this many rows of silence before, and at least this many rows of speech in an example."""
GAPS = (15, 240)
"""Rows of silence between utterances."""
ACOUSTICS = (0.46, 0.16, 0.16, 0.22)
"""Shares of dry, two rooms and device."""
HIBARI_SHARE = 0.42
OTHER_SPEAKER_SHARE = 0.2
"""How often somebody else goes on after a pause. Mostly it is the same voice: it pays to get to know it."""
TEMPO_SHARE, TEMPO = 0.6, 0.10
"""Share of examples at another tempo, and the standard deviation of its logarithm."""
LONG_SHARE, LONG = 0.08, (1.5, 6.0)
"""Share of vowels that are drawn out, and to how many times their length. People hesitate, call and stress;
speech engines do not, and without these a long vowel is taken for music.
"""
CLEAN_SHARE = 0.22
TRACT_SHARE, TRACT_SCALE, TRACT_SHIFT = 0.4, 0.05, 0.6
"""Bands are scaled and shifted, as by another vocal tract."""
NOISE_ONLY_SHARE, NOISY_SHARE, BABBLE_SHARE = 0.11, 0.52, 0.10
NOISE_ONLY_DECIBELS, NOISY_DECIBELS, BABBLE_DECIBELS = (0.0, 50.0), (3.0, 35.0), (12.0, 28.0)
"""Below the speech."""
COLOUR_SHARE = 0.6
LOW_PASS_SHARE, HIGH_PASS_SHARE = 0.15, 0.15
GAIN = (-7.0, 1.4)
"""Natural logarithm of power."""
WANDERING, WANDERS_ROWS = 0.5, 150
"""How far, as a standard deviation of that logarithm, and how slowly a speaker's level comes and goes."""
FLOORS = (7.0, 9.3)
"""Powers of ten below full scale of the constant floor."""
MASK_SHARE, MASK_BANDS = 0.4, 5

_TILT = np.linspace(-1.0, 1.0, BANDS)


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples of one length.

    Attributes:
        mel: (batch, rows, 40) float32 natural logarithms of power.
        targets: (batch, rows + 1, 7) float32.
        classes: (batch, rows + 1) int64.
    """

    mel: NDArray[np.float32]
    targets: NDArray[np.float32]
    classes: NDArray[np.int64]


class Examples:
    """Draws random batches.

    Args:
        utterances: what was read; those of hibari are told by their voice's name.
        rows: length of an example, hundredths of a second.
        seed: of everything random here.
    """

    def __init__(self, utterances: Sequence[Utterance], rows: int, seed: int) -> None:
        self._rows = rows
        hibari = [u for u in utterances if u.voice.startswith("hibari")]
        others = [u for u in utterances if not u.voice.startswith("hibari")]
        self._groups = (hibari or others, others or hibari)
        self._voices: dict[str, list[Utterance]] = {}
        for utterance in utterances:
            self._voices.setdefault(utterance.voice, []).append(utterance)
        self._rng = np.random.default_rng(seed)

    def batch(self, size: int) -> Batch:
        """The next random batch."""
        mels, targets, classes = zip(*(self._example() for _ in range(size)), strict=True)
        return Batch(np.stack(mels), np.stack(targets), np.stack(classes))

    def _example(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        rng = self._rng
        tempo = float(np.exp(rng.normal(0, TEMPO))) if rng.random() < TEMPO_SHARE else 1.0
        rows = self._rows
        power, targets, classes = self._strip(int(rows * tempo) + 3)
        at = _moments(classes, rows + 1, tempo, rng)
        power, targets = _resampled(power, at[:rows]), _resampled(targets, at)
        classes = classes[np.round(at).astype(int)]
        if rng.random() >= CLEAN_SHARE:
            power, targets, classes = self._disturbed(power, targets, classes)
        power = power * _wandering(rows, rng) * np.exp(rng.uniform(*GAIN)) + 10.0 ** -rng.uniform(*FLOORS)
        mel = np.log(power).astype(np.float32)
        if rng.random() < MASK_SHARE:
            low = int(rng.integers(BANDS - MASK_BANDS))
            mel[:, low : low + int(rng.integers(1, MASK_BANDS))] = mel.mean()
        return mel, targets.astype(np.float32), classes.astype(np.int64)

    def _strip(self, rows: int) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.int8]]:
        """Utterances with pauses between them."""
        rng = self._rng
        power = np.full((rows, BANDS), POWER_FLOOR, np.float32)
        targets = np.zeros((rows, len(CHANNELS)), np.float32)
        targets[:, WIDTH] = 0.5
        classes = np.full(rows, SILENCE, np.int8)
        acoustic = int(rng.choice(len(ACOUSTICS), p=ACOUSTICS))
        group = self._groups[int(rng.random() >= HIBARI_SHARE)]
        one = group[int(rng.integers(len(group)))]
        begin = -int(rng.integers(-LEAD, max(1, len(one.classes) - MOST_MISSING)))
        while begin < rows:
            mel = one.mel[acoustic]
            first, last = max(0, -begin), min(len(mel), rows - begin)
            power[begin + first : begin + last] = np.exp(mel[first:last].astype(np.float32))
            targets[begin + first : begin + last] = one.targets[first:last]
            classes[begin + first : begin + last] = one.classes[first:last]
            begin += len(mel) + int(rng.integers(*GAPS))
            speakers = group if rng.random() < OTHER_SPEAKER_SHARE else self._voices[one.voice]
            one = speakers[int(rng.integers(len(speakers)))]
        return power, targets, classes

    def _disturbed(
        self, power: NDArray[np.floating], targets: NDArray[np.floating], classes: NDArray[np.int8]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.int8]]:
        rng = self._rng
        if rng.random() < TRACT_SHARE:
            power = _other_tract(power, rng)
        level = max(float(power.mean()), 1e-6)
        kind = rng.random()
        if kind < NOISE_ONLY_SHARE:
            targets, classes = np.zeros_like(targets), np.full_like(classes, SILENCE)
            targets[:, WIDTH] = 0.5
            power = noise(len(power), rng) * level * 10 ** (-rng.uniform(*NOISE_ONLY_DECIBELS) / 10)
        elif kind < NOISE_ONLY_SHARE + NOISY_SHARE:
            heard = noise(len(power), rng) * level * 10 ** (-rng.uniform(*NOISY_DECIBELS) / 10)
            power = power + heard
        elif kind < NOISE_ONLY_SHARE + NOISY_SHARE + BABBLE_SHARE:
            power = power + self._babble(len(power)) * level * 10 ** (-rng.uniform(*BABBLE_DECIBELS) / 10)
        colour = np.zeros(BANDS)
        if rng.random() < COLOUR_SHARE:
            colour += rng.normal(0, 1.0) * _TILT + rng.normal(0, 0.8) * _TILT**2 + ripple(rng, 0.8)
        if rng.random() < LOW_PASS_SHARE:
            first = int(rng.integers(24, 38))
            colour[first:] -= np.minimum(12, 3 * np.arange(1, BANDS - first + 1))
        if rng.random() < HIGH_PASS_SHARE:
            last = int(rng.integers(1, 7))
            colour[:last] -= 2.5 * np.arange(last, 0, -1)
        return (power * np.exp(colour)).astype(np.float32), targets, classes

    def _babble(self, rows: int) -> NDArray[np.floating]:
        """Somebody else, farther away."""
        group = self._groups[0]
        other = np.exp(group[int(self._rng.integers(len(group)))].mel[1].astype(np.float32))
        heard = other[np.arange(rows) % len(other)]
        return heard / max(float(heard.mean()), 1e-6)


def _moments(
    classes: NDArray[np.int8], rows: int, tempo: float, rng: np.random.Generator
) -> NDArray[np.floating]:
    """Which (fractional) rows of a strip are heard, at this tempo and with some vowels drawn out."""
    lasts = np.full(len(classes), 1 / tempo)
    edges = np.flatnonzero(np.diff(classes)) + 1
    for first, last in zip((0, *edges), (*edges, len(classes)), strict=True):
        if int(classes[first]) in VOWEL_CLASSES and rng.random() < LONG_SHARE:
            lasts[first:last] *= rng.uniform(*LONG)
    ends = np.cumsum(lasts) - lasts[0]
    return np.interp(np.arange(rows), ends, np.arange(len(ends)))


def _wandering(rows: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """(rows, 1) factors of power that change slowly, as of somebody who moves or speaks up."""
    knots = rows // WANDERS_ROWS + 2
    levels = rng.normal(0, rng.uniform(0, WANDERING), knots)
    return np.exp(np.interp(np.arange(rows), np.linspace(0, rows, knots), levels))[:, None].astype(np.float32)


def _resampled(rows: NDArray[np.floating], at: NDArray[np.floating]) -> NDArray[np.floating]:
    """Linear interpolation along the first axis."""
    low = at.astype(int)
    share = (at - low)[:, None].astype(np.float32)
    return rows[low] * (1 - share) + rows[np.minimum(low + 1, len(rows) - 1)] * share


def _other_tract(power: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.floating]:
    at = np.clip(
        np.arange(BANDS) * np.exp(rng.normal(0, TRACT_SCALE)) + rng.normal(0, TRACT_SHIFT), 0, BANDS - 1
    )
    low = np.minimum(at.astype(int), BANDS - 2)
    share = (at - low).astype(np.float32)
    return power[:, low] * (1 - share) + power[:, low + 1] * share
