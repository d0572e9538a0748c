"""When Kokoro's sounds are heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.speech.symbol_timing import Sound, timed_sounds

LATENESS_SECONDS = 0.065
"""The sound is ahead of the network's steps by this much."""


def sounds_of(
    symbols: str, words: Sequence[int], steps: NDArray[np.float32], pcm: NDArray[np.float32]
) -> list[Sound]:
    """Timed sounds that cover a clause without gaps.

    Args:
        symbols: the model's input, without the padding at either end.
        words: the word index of each symbol.
        steps: (len(symbols) + 2,) durations with the padding, in steps of 25 ms.
        pcm: the sound, 24 kHz; its length is the sum of the steps.
    """
    return timed_sounds(symbols, words, steps, pcm, LATENESS_SECONDS)
