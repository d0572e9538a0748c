"""The best boundaries of known sounds, given what is heard when (Viterbi)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.face import visemes
from streaming.speech.base import Phoneme
from training.visemes.labels import LABEL_RATE, class_of, split_diphthongs

SIGMA_ROWS = 4.0
"""How far boundaries move, standard deviation in hundredths of a second."""
FARTHEST_ROWS = 9
TRUST = 0.6
"""Weight of the given boundaries against what is heard."""
SHORTEST_ROWS = 3
_NEVER = -1e9


def moved_sounds(sounds: Sequence[Phoneme], posteriors: NDArray[np.float32]) -> tuple[Phoneme, ...] | None:
    """Move boundaries to where they are heard.

    Args:
        sounds: they cover the clip without gaps.
        posteriors: (rows, classes) log probabilities, a row per hundredth of a second.

    Returns:
        The same sounds with better times, or ``None`` when they do not fit.
    """
    rows = len(posteriors)
    parts = split_diphthongs(sounds)
    given = np.array([part.start for part in parts]) * LABEL_RATE
    emission = posteriors[:, [class_of(part.symbol) for part in parts]]
    until = np.concatenate((np.zeros((1, len(parts))), np.cumsum(emission, 0, dtype=np.float64)))
    score = np.full(rows + 1, _NEVER)
    score[0] = 0.0
    moments = np.arange(rows + 1)
    came_from: list[NDArray[np.int64]] = []
    for k in range(1, len(parts)):
        entered = score - until[:, k - 1]
        best = np.maximum.accumulate(entered)
        where = np.maximum.accumulate(np.where(entered >= best, moments, 0))
        score = np.full(rows + 1, _NEVER)
        back = np.zeros(rows + 1, np.int64)
        score[SHORTEST_ROWS:] = best[:-SHORTEST_ROWS] + until[SHORTEST_ROWS:, k - 1]
        back[SHORTEST_ROWS:] = where[:-SHORTEST_ROWS]
        away = moments - given[k]
        score -= 0.5 * TRUST * np.square(away / SIGMA_ROWS)
        score[np.abs(away) > FARTHEST_ROWS] = _NEVER
        came_from.append(back)
    final = score + until[rows, -1] - until[:, -1]
    at = int(final.argmax())
    if final[at] < _NEVER / 2:
        return None
    starts = [at]
    for back in reversed(came_from):
        at = int(back[at])
        starts.append(at)
    starts = [row / LABEL_RATE for row in reversed(starts)]
    return _joined(sounds, [*starts, max(sounds[-1].end, rows / LABEL_RATE)])


def _joined(sounds: Sequence[Phoneme], edges: Sequence[float]) -> tuple[Phoneme, ...]:
    out: list[Phoneme] = []
    at = 0
    for sound in sounds:
        width = 2 if sound.symbol in visemes.DIPHTHONGS else 1
        out.append(Phoneme(sound.symbol, edges[at], edges[at + width], sound.stress))
        at += width
    return tuple(out)
