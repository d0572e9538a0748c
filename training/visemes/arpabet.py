"""ARPAbet, as pocketsphinx and Flite write American English, in the symbols that this program uses."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.align import IPA
from streaming.face.visemes import DIPHTHONGS, PAUSE, VOWELS
from streaming.speech.base import Phoneme
from streaming.speech.symbol_timing import quiet_runs
from streaming.timing import SPEECH_RATE

SYMBOLS = {
    **{name.lower(): symbol for name, symbol in IPA.items()},
    **{"ah": "ʌ", "ax": "ə", "axr": "ɚ", "dx": "ɾ", "hv": "h"},
}
"""Everything else is a pause."""
MIDDLE_STRESS = 0.5
"""Where stress is not known, vowels open as listed."""


def sounds(phones: Iterable[tuple[str, float, float]], pcm: NDArray[np.floating]) -> tuple[Phoneme, ...]:
    """Phones as sounds that cover a clip without gaps.

    Args:
        phones: name, start and end in seconds, in order. Aligners count silence at the ends of a clip to the
            first and last phone; it is taken from them.
        pcm: (n,) at 24 kHz.
    """
    total = len(pcm) / SPEECH_RATE
    runs = quiet_runs(np.asarray(pcm, np.float32))
    first = runs[0][1] if runs and runs[0][0] <= 0.0 else 0.0
    last = runs[-1][0] if runs and runs[-1][1] >= total else total
    out: list[Phoneme] = []
    for phone, begin, until in phones:
        start, end = min(max(begin, first), last), min(max(until, first), last)
        if end <= start:
            continue
        at = out[-1].end if out else 0.0
        if start > at:
            out.append(Phoneme(PAUSE, at, start))
        symbol = SYMBOLS.get(phone.lower(), PAUSE)
        vowel = symbol in VOWELS or symbol in DIPHTHONGS
        out.append(Phoneme(symbol, max(start, at), end, MIDDLE_STRESS if vowel else 0.0))
    if out and out[-1].end < total:
        out.append(Phoneme(PAUSE, out[-1].end, total))
    return tuple(out)
