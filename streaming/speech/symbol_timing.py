"""From the durations of a model's symbols to when each sound is heard.

Models such as hibari and Kokoro give every symbol of their input a number of 25 ms steps. Three things keep
those from being what is heard: the sound runs ahead of the steps, pauses are counted to the sound before
them, and stress marks, tones and spaces have steps of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.speech.base import Phoneme
from streaming.timing import SPEECH_RATE

STEP_SECONDS = 0.025

QUIET_DECIBELS = 36.0
"""Below the loud parts (98th percentile) by this much is silence. hibari's own floor lies at -120 dB."""
QUIET_SECONDS = 0.100
"""A shorter silence is the closure of a stop."""
QUIET_EDGE_SECONDS = 0.020
"""At the ends of a clause any silence longer than this counts."""
SHORTEST_SECONDS = 0.030
"""A sound beside a pause keeps at least this."""

_LEVEL_SAMPLES = SPEECH_RATE // 200
_STRESS = {"ˈ": 1.0, "ˌ": 0.5}
NASAL = "\u0303"
"""A nasal vowel may be another vowel to the lips, so this mark stays with its letter."""
_LENGTHENERS = frozenset("ː\u0303ʰʲᵝ↓→↗↘")
"""Marks that change the sound before them: length, nasality, breath, a rounded or palatal release, tone."""
_GAPS = frozenset(' .,;:!?—…"“”()')
PAUSE = "_"


@dataclass(slots=True)
class Sound:
    """A phoneme while its edges are still being moved. ``word`` is the index of its word, -1 for a pause."""

    symbol: str
    start: float
    end: float
    stress: float
    word: int

    def phoneme(self, shift: float) -> Phoneme:
        """The finished phoneme, ``shift`` seconds later."""
        return Phoneme(self.symbol, self.start + shift, self.end + shift, self.stress)


def timed_sounds(
    symbols: str, words: Sequence[int], steps: NDArray[np.float32], pcm: NDArray[np.float32], lateness: float
) -> list[Sound]:
    """Timed sounds that cover a clause without gaps.

    Args:
        symbols: the model's input, without the padding symbol at either end.
        words: the word index of each symbol.
        steps: (len(symbols) + 2,) durations with the padding, in steps of 25 ms.
        pcm: the sound, 24 kHz; its length is the sum of the steps.
        lateness: how many seconds the sound is ahead of the steps.
    """
    total = len(pcm) / SPEECH_RATE
    edges = np.clip(
        np.concatenate(([0.0], np.cumsum(steps, dtype=np.float64))) * STEP_SECONDS - lateness, 0.0, total
    )
    sounds = _letters(symbols, words, [float(edge) for edge in edges])
    if not sounds:
        return [Sound(PAUSE, 0.0, total, 0.0, -1)]
    _close_gaps(sounds)
    return _with_pauses(sounds, quiet_runs(pcm), total)


def _letters(symbols: str, words: Sequence[int], edges: list[float]) -> list[Sound]:
    """One sound per letter; a stress mark gives its time and weight to the letter after it."""
    sounds: list[Sound] = []
    stress = 0.0
    begin: float | None = None
    for i, symbol in enumerate(symbols):
        start, end = edges[i + 1], edges[i + 2]
        if symbol in _STRESS:
            stress = _STRESS[symbol]
            begin = start if begin is None else begin
        elif symbol in _LENGTHENERS:
            if sounds:
                sounds[-1].end = end
                sounds[-1].symbol += symbol if symbol == NASAL else ""
        elif symbol not in _GAPS:
            sounds.append(Sound(symbol, start if begin is None else begin, end, stress, words[i]))
            stress, begin = 0.0, None
    return sounds


def _close_gaps(sounds: list[Sound]) -> None:
    """Share the steps of spaces between their neighbours; real pauses are found in the sound later."""
    for left, right in itertools.pairwise(sounds):
        left.end = right.start = (left.end + right.start) / 2


def quiet_runs(pcm: NDArray[np.float32], shortest: float = QUIET_SECONDS) -> list[tuple[float, float]]:
    """Silences of a clause as (start, end) in seconds; the first and last may touch the ends."""
    count = len(pcm) // _LEVEL_SAMPLES
    if count == 0:
        return [(0.0, len(pcm) / SPEECH_RATE)]
    blocks = pcm[: count * _LEVEL_SAMPLES].reshape(count, _LEVEL_SAMPLES)
    power = np.einsum("ij,ij->i", blocks, blocks)
    quiet = power < np.percentile(power, 98) * 10 ** (-QUIET_DECIBELS / 10) + 1e-12
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    unit = _LEVEL_SAMPLES / SPEECH_RATE
    runs: list[tuple[float, float]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        at_edge = start == 0 or end == count
        if (end - start) * unit >= (QUIET_EDGE_SECONDS if at_edge else shortest):
            runs.append((start * unit, len(pcm) / SPEECH_RATE if end == count else end * unit))
    return runs


def _with_pauses(sounds: list[Sound], runs: list[tuple[float, float]], total: float) -> list[Sound]:
    """Put pauses where it is silent, pushing the sounds on either side out of the silence."""
    result: list[Sound] = []
    at = 0
    cursor = 0.0
    for quiet_start, quiet_end in runs:
        middle = (quiet_start + quiet_end) / 2
        if quiet_start <= 0.0:
            before = at
        elif quiet_end >= total:
            before = len(sounds)
        else:
            before = at
            while before < len(sounds) and (sounds[before].start + sounds[before].end) / 2 < middle:
                before += 1
        group = sounds[at:before]
        if group:
            _fit(group, cursor, quiet_start)
            result += group
            cursor = quiet_start
        if result and result[-1].symbol == PAUSE:
            result[-1].end = quiet_end
        else:
            result.append(Sound(PAUSE, cursor, quiet_end, 0.0, -1))
        cursor, at = quiet_end, before
    group = sounds[at:]
    if group:
        _fit(group, cursor, total)
        result += group
    elif result and result[-1].end < total:
        result[-1].end = total
    return result


def _fit(group: list[Sound], start: float, end: float) -> None:
    """Make sounds cover start..end, each at least :data:`SHORTEST_SECONDS` long where there is room."""
    shortest = min(SHORTEST_SECONDS, (end - start) / len(group))
    edge = start
    for i, sound in enumerate(group):
        left = len(group) - 1 - i
        sound.start = edge
        edge = end if left == 0 else min(max(sound.end, edge + shortest), end - left * shortest)
        sound.end = edge
