"""A rendered clause becomes a chunk: silence at its ends cut to size, its words named and placed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.slots import Word
from streaming.speech.base import Phoneme, SpeechChunk
from streaming.speech.symbol_timing import PAUSE, Sound
from streaming.timing import SPEECH_RATE

LEAD_SECONDS = 0.030
"""Silence kept before the first sound of a clause; models render about 300 ms."""
FADE_SECONDS = 0.010


def cut_to_size(
    sounds: Sequence[Sound],
    pcm: NDArray[np.float32],
    *,
    pause: float,
    spans: Sequence[tuple[int, int]],
    script: str,
    final: bool,
) -> SpeechChunk:
    """A chunk that begins :data:`LEAD_SECONDS` before its first sound and ends with a pause.

    Args:
        sounds: at least one that is no pause; they cover ``pcm``.
        pcm: (n,) float32 at 24 kHz; not changed.
        pause: seconds of silence after the last sound.
        spans: (begin, stop) in the script for each word that sounds name: rising, and apart or equal.
        script: what spans refer to.
        final: whether a natural pause follows.
    """
    lead = sounds[0].end if sounds[0].symbol == PAUSE else 0.0
    speech_end = sounds[-1].start if sounds[-1].symbol == PAUSE else sounds[-1].end
    begin = max(0, round((lead - LEAD_SECONDS) * SPEECH_RATE))
    length = round((speech_end + pause) * SPEECH_RATE) - begin
    pcm = pcm[begin : begin + length].copy()
    fade = min(len(pcm), round(FADE_SECONDS * SPEECH_RATE))
    pcm[len(pcm) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    if len(pcm) < length:
        pcm = np.concatenate((pcm, np.zeros(length - len(pcm), np.float32)))

    shift = -begin / SPEECH_RATE
    phonemes = [sound.phoneme(shift) for sound in sounds if sound.end + shift > 0.0]
    total = len(pcm) / SPEECH_RATE
    first, last = phonemes[0], phonemes[-1]
    phonemes[0] = Phoneme(first.symbol, 0.0, first.end, first.stress)
    if last.symbol == PAUSE:
        phonemes[-1] = Phoneme(PAUSE, max(0.0, speech_end + shift), total)
    elif total > last.end:
        phonemes.append(Phoneme(PAUSE, last.end, total))
    return SpeechChunk(pcm, phonemes, _words(sounds, shift, spans, script), final_of_clause=final)


def _words(
    sounds: Sequence[Sound], shift: float, spans: Sequence[tuple[int, int]], script: str
) -> list[Word]:
    words: list[Word] = []
    for sound in sounds:
        if sound.word < 0:
            continue
        start, end = max(0.0, sound.start + shift), sound.end + shift
        begin, stop = spans[min(sound.word, len(spans) - 1)]
        if words and words[-1].begin == begin:
            words[-1] = Word(words[-1].text, words[-1].start, end, begin, stop)
        else:
            words.append(Word(script[begin:stop], start, end, begin, stop))
    return words
