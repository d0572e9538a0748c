"""When Kokoro's sounds are heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.speech.symbol_timing import Sound, timed_sounds

LATENESS = 0.030
LATENESS_AT_SPEED_ONE = 0.025
"""The sound is ahead of the network's steps by ``LATENESS + LATENESS_AT_SPEED_ONE / speed`` seconds.

Lag of band energy against labels, 8 to 10 sentences and 1 to 3 voices each. Sibilants, energy beyond 4 kHz:
40 ms in English, 45 es, 50 it pt ja, 60 fr hi. Vowels, energy of the formants: 55 ms in English, 50 es, 55 fr
it pt, 60 hi, 65 ja. By speed, English: 50 and 65 ms at 0.7, 40 and 45 at 1.5.
"""


def sounds_of(
    symbols: str, words: Sequence[int], steps: NDArray[np.float32], pcm: NDArray[np.float32], speed: float
) -> list[Sound]:
    """Timed sounds that cover a clause without gaps.

    Args:
        symbols: the model's input, without the padding at either end.
        words: the word index of each symbol.
        steps: (len(symbols) + 2,) durations with the padding, in steps of 25 ms.
        pcm: the sound, 24 kHz; its length is the sum of the steps.
        speed: the speed it was spoken at.
    """
    return timed_sounds(symbols, words, steps, pcm, LATENESS + LATENESS_AT_SPEED_ONE / speed)
