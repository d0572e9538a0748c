"""Finds the sounds of a recording whose words are known: ``python -m benchmarks.judge.align``.

Needed only to add recordings; their timing lies beside them. The aligner is PocketSphinx with its own English
model, in two passes: words, then phones, on a grid of 10 ms.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.judge.recordings import Recording, read_about, read_sound, save
from benchmarks.judge.stress import Dictionary
from streaming.errors import EngineUnavailable, ScriptRejected
from streaming.face.visemes import DIPHTHONGS, PAUSE, VOWELS
from streaming.speech.base import Phoneme
from streaming.timing import SPEECH_RATE

ALIGNER = "pocketsphinx==5.1.1"
RATE = 16_000
STEP_SECONDS = 0.010
PADDING_SECONDS = 0.2
"""Silence put around the sound: the aligner wants some after the last word."""
FULL_SCALE = 32_767

IPA = {
    **dict(
        AA="ɑ", AE="æ", AH="ʌ", AO="ɔ", AW="W", AY="I", EH="ɛ", ER="ɜ", EY="A", IH="ɪ", IY="i", OW="O", OY="Y"
    ),
    **dict(UH="ʊ", UW="u", B="b", CH="ʧ", D="d", DH="ð", F="f", G="ɡ", HH="h", JH="ʤ", K="k", L="l", M="m"),
    **dict(N="n", NG="ŋ", P="p", R="ɹ", S="s", SH="ʃ", T="t", TH="θ", V="v", W="w", Y="j", Z="z", ZH="ʒ"),
}
"""ARPABET, as PocketSphinx writes it, to the alphabet of :class:`streaming.speech.base.Phoneme`."""


class Phone(NamedTuple):
    """An ARPABET phone, or a silence or noise, with start and end in seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Word:
    """An aligned word, or a silence; ``spelling`` is the dictionary's, with a variant's number."""

    spelling: str
    phones: tuple[Phone, ...]


def words_of(text: str) -> list[str]:
    """The words of a text as the dictionary spells them."""
    return re.sub(r"[^a-z']+", " ", text.lower().replace("’", "'")).split()


def align(pcm: NDArray[np.float32], text: str, extra: Mapping[str, str]) -> list[Word]:
    """When each word and each of its phones is said. Of a word's variants the aligner takes the likeliest.

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
        Word(
            word.name,
            tuple(Phone(p.name, _seconds(p.start), _seconds(p.start + p.duration)) for p in word),
        )
        for word in decoder.get_alignment()
    ]


def _seconds(step: int) -> float:
    return step * STEP_SECONDS - PADDING_SECONDS


def to_phonemes(words: Iterable[Word], seconds: float) -> list[Phoneme]:
    """Sounds in our alphabet, gapless from 0 to ``seconds``; whatever is no speech is a pause."""
    dictionary = Dictionary()
    sounds: list[Phoneme] = []
    for word in words:
        symbols = [IPA.get(phone.name, PAUSE) for phone in word.phones]
        at = [i for i, symbol in enumerate(symbols) if symbol in VOWELS or symbol in DIPHTHONGS]
        vowels = [(word.phones[i].name, symbols[i], word.phones[i].end - word.phones[i].start) for i in at]
        known = dict(zip(at, dictionary.resolved(_spelled(word.spelling), vowels), strict=True))
        for i, phone in enumerate(word.phones):
            symbol, stress = known.get(i, (symbols[i], 0.0))
            first = sounds[-1].end if sounds else 0.0
            end = min(max(phone.end, first), seconds)
            if end <= first:
                continue
            if symbol == PAUSE and sounds and sounds[-1].symbol == PAUSE:
                sounds[-1] = Phoneme(PAUSE, sounds[-1].start, end)
            else:
                sounds.append(Phoneme(symbol, first, end, stress))
    last = sounds[-1].end if sounds else 0.0
    if last < seconds:
        sounds.append(Phoneme(PAUSE, last, seconds))
    return sounds


def _spelled(spelling: str) -> str:
    return spelling.partition("(")[0]


def main(
    recording: Annotated[Path, typer.Argument(help="Sound file; its JSON is written beside it.")],
    text: Annotated[str | None, typer.Option(help="What is said, word for word.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Who speaks.")] = None,
    licence: Annotated[str | None, typer.Option(help="SPDX identifier or plain words.")] = None,
    source: Annotated[str | None, typer.Option(help="Where it comes from.")] = None,
    word: Annotated[list[str] | None, typer.Option(help="WORD=PHONES that the dictionary lacks.")] = None,
) -> None:
    """Write the timing of an English recording. What is not given stays as its JSON has it."""
    path = recording.with_suffix(".json")
    known = read_about(path) if path.exists() else Recording("", "en", "", "", "", "", [])
    words = known.words | dict(entry.split("=", 1) for entry in word or [])
    seconds = len(read_sound(recording)) / SPEECH_RATE
    text = text or known.text
    phonemes = to_phonemes(align(read_sound(recording, RATE), text, words), seconds)
    about = Recording(
        text=text,
        language="en",
        speaker=speaker or known.speaker,
        licence=licence or known.licence,
        source=source or known.source,
        timing=f"forced alignment with {ALIGNER}; stress and schwas by hibari's dictionary",
        sounds=[(p.symbol, round(p.start, 3), round(p.end, 3), p.stress) for p in phonemes],
        words=words,
    )
    missing = [name for name in ("text", "speaker", "licence", "source") if not getattr(about, name)]
    if missing:
        raise typer.BadParameter(f"Nothing is known of this recording yet: give --{' and --'.join(missing)}.")
    save(path, about)


if __name__ == "__main__":
    typer.run(main)
