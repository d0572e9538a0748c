"""When hibari's sounds are heard; measured on 30 rendered sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.speech.symbol_timing import PAUSE, SHORTEST_SECONDS, Sound, quiet_runs, timed_sounds

__all__ = ["PAUSE", "SHORTEST_SECONDS", "Sound", "quiet_runs", "sounds_of"]

LATENESS = 0.030
LATENESS_AT_SPEED_ONE = 0.025
"""The sound is ahead of the steps by ``LATENESS + LATENESS_AT_SPEED_ONE / speed`` seconds.

Median lag of band energy against labels: 55 ms at speed 1 (quartiles 50..55), 70 ms at 0.6, 45 ms at 1.6.
At speed 1, closures of p and b lie 50 ms early, edges of s 45 and 50 ms.
"""


def sounds_of(
    symbols: str, words: Sequence[int], steps: NDArray[np.float32], speed: float, pcm: NDArray[np.float32]
) -> list[Sound]:
    """Timed sounds that cover a clause without gaps.

    Args:
        symbols: the model's input, without the padding symbol at either end.
        words: the word index of each symbol.
        steps: (len(symbols) + 2,) durations with the padding, in steps of 25 ms.
        speed: the speed the clause was spoken at.
        pcm: the sound, 24 kHz; its length is the sum of the steps.
    """
    return timed_sounds(symbols, words, steps, pcm, LATENESS + LATENESS_AT_SPEED_ONE / speed)
