"""Finds the sounds of a recording whose words are known: ``python -m benchmarks.judge.align``.

Needed only to add recordings; their timing lies beside them. The aligner is PocketSphinx with its own English
model, in two passes: words, then phones, on a grid of 10 ms.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.judge.recordings import UNKNOWN_STRESS, Recording, read_sound, save
from streaming.errors import EngineUnavailable, ScriptRejected
from streaming.face.visemes import PAUSE
from streaming.speech.base import Phoneme
from streaming.timing import SPEECH_RATE

ALIGNER = "pocketsphinx==5.1.1"
RATE = 16_000
STEP_SECONDS = 0.010
PADDING_SECONDS = 0.2
"""Silence put around the sound: the aligner wants some after the last word."""
FULL_SCALE = 32_767
SHORTEST_STRONG_VOWEL = 0.070
"""The dictionary writes schwa and its strong sister alike; the length decides."""

IPA = {
    **dict(AA="ɑ", AE="æ", AO="ɔ", AW="W", AY="I", EH="ɛ", ER="ɜ", EY="A", IH="ɪ", IY="i", OW="O", OY="Y"),
    **dict(UH="ʊ", UW="u", B="b", CH="ʧ", D="d", DH="ð", F="f", G="ɡ", HH="h", JH="ʤ", K="k", L="l", M="m"),
    **dict(N="n", NG="ŋ", P="p", R="ɹ", S="s", SH="ʃ", T="t", TH="θ", V="v", W="w", Y="j", Z="z", ZH="ʒ"),
}
"""ARPABET, as PocketSphinx writes it, to the alphabet of :class:`streaming.speech.base.Phoneme`."""


def words_of(text: str) -> list[str]:
    """The words of a text as the dictionary spells them."""
    return re.sub(r"[^a-z']+", " ", text.lower().replace("’", "'")).split()


def align(pcm: NDArray[np.float32], text: str, extra: Mapping[str, str]) -> list[tuple[str, float, float]]:
    """ARPABET phones with start and end in seconds.

    Args:
        pcm: (n,) mono at :data:`RATE`.
        text: what is said, word for word.
        extra: pronunciations of words that the dictionary lacks.

    Raises:
        EngineUnavailable: the aligner is not installed.
        ScriptRejected: a word is unknown, or the sound does not fit the text.
    """
    try:
        decoder_class: Any = importlib.import_module("pocketsphinx").Decoder
    except ImportError as error:
        raise EngineUnavailable(f"Alignment needs PocketSphinx. Install it: pip install {ALIGNER}") from error
    decoder = decoder_class(lm=None, loglevel="FATAL")
    words = words_of(text)
    for word in dict.fromkeys(words):
        if decoder.lookup_word(word) is None:
            if word not in extra:
                raise ScriptRejected(f"The dictionary lacks '{word}'; add --word '{word}=ITS PHONES'.")
            decoder.add_word(word, extra[word])
    silence = np.zeros(round(PADDING_SECONDS * RATE))
    sound = np.concatenate((silence, np.clip(pcm, -1, 1), silence))
    data = np.round(sound * FULL_SCALE).astype(np.int16).tobytes()
    decoder.set_align_text(" ".join(words))
    try:
        for phones in (False, True):
            if phones:
                decoder.set_alignment()
            decoder.start_utt()
            decoder.process_raw(data, full_utt=True)
            decoder.end_utt()
    except RuntimeError as error:
        raise ScriptRejected("The aligner finds no way through: is the text word for word?") from error
    # Parts of an alignment live only as long as their iterators.
    return [
        (phone.name, _seconds(phone.start), _seconds(phone.start + phone.duration))
        for word in decoder.get_alignment()
        for phone in word
    ]


def _seconds(step: int) -> float:
    return step * STEP_SECONDS - PADDING_SECONDS


def to_phonemes(phones: Iterable[tuple[str, float, float]], seconds: float) -> list[Phoneme]:
    """Sounds in our alphabet, gapless from 0 to ``seconds``; whatever is no speech is a pause."""
    sounds: list[Phoneme] = []
    for name, start, end in phones:
        symbol = IPA.get(name, PAUSE)
        if name == "AH":
            symbol = "ʌ" if end - start >= SHORTEST_STRONG_VOWEL else "ə"
        first = sounds[-1].end if sounds else 0.0
        end = min(max(end, first), seconds)
        if end <= first:
            continue
        if symbol == PAUSE and sounds and sounds[-1].symbol == PAUSE:
            sounds[-1] = Phoneme(PAUSE, sounds[-1].start, end)
        else:
            sounds.append(Phoneme(symbol, first, end, 0.0 if symbol == PAUSE else UNKNOWN_STRESS))
    last = sounds[-1].end if sounds else 0.0
    if last < seconds:
        sounds.append(Phoneme(PAUSE, last, seconds))
    return sounds


def main(
    recording: Annotated[Path, typer.Argument(help="Sound file; its JSON is written beside it.")],
    text: Annotated[str, typer.Option(help="What is said, word for word.")],
    speaker: Annotated[str, typer.Option(help="Who speaks.")],
    licence: Annotated[str, typer.Option(help="SPDX identifier or plain words.")],
    source: Annotated[str, typer.Option(help="Where it comes from.")],
    word: Annotated[list[str] | None, typer.Option(help="WORD=PHONES that the dictionary lacks.")] = None,
) -> None:
    """Write the timing of an English recording."""
    extra = dict(entry.split("=", 1) for entry in word or [])
    seconds = len(read_sound(recording)) / SPEECH_RATE
    phonemes = to_phonemes(align(read_sound(recording, RATE), text, extra), seconds)
    sounds = [(p.symbol, round(p.start, 3), round(p.end, 3), p.stress) for p in phonemes]
    save(
        recording.with_suffix(".json"),
        Recording(text, "en", speaker, licence, source, f"forced alignment with {ALIGNER}", sounds),
    )


if __name__ == "__main__":
    typer.run(main)
