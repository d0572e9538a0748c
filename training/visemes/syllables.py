"""Invented speech in the sound systems of other languages.

The network hears sounds, not words, so random syllables of a language teach what its sentences would, and
neither texts nor pronunciation rules are needed. Symbols are those that Kokoro was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class SoundSystem:
    """What syllables are made of; more common parts stand there more often.

    Attributes:
        onsets: what a syllable begins with; an empty string is possible.
        nuclei: its vowels.
        codas: what it ends with.
        stress: put before one vowel or syllable of a word, or nothing.
        tones: put after each syllable, one of them.
    """

    onsets: tuple[str, ...]
    nuclei: tuple[str, ...]
    codas: tuple[str, ...]
    stress: str = ""
    tones: tuple[str, ...] = ("",)


def _split(onsets: str, nuclei: str, codas: str, stress: str = "", tones: str = "") -> SoundSystem:
    def parts(listed: str) -> tuple[str, ...]:
        return tuple(part.replace("0", "") for part in listed.split())

    return SoundSystem(parts(onsets), parts(nuclei), parts(codas), stress, parts(tones) or ("",))


SYSTEMS: dict[str, SoundSystem] = {
    "ja": _split(
        "0 0 k k s s t t n n h m m m ɾ ɾ j β ɡ ʣ d b b p p ɕ ɕ ʨ ʥ ç ɸ ʦ ɲ kʲ ɡʲ mʲ bʲ pʲ ɾʲ",
        "a a a i i ɯ ɨ e e o o o aː oː eː ɯː",
        "0 0 0 0 0 0 0 0 ɴ m n ŋ",
    ),
    "zh": _split(
        "0 p p pʰ pʰ m m m f f t tʰ n l l k kʰ x ʨ ʨʰ ɕ ꭧ ꭧʰ ʂ ʂ ɻ ʦ ʦʰ s w w j j",
        "a ai an aŋ au ɤ ei ən əŋ i i u ou jau jou jɛn in iŋ jʊŋ ʊŋ wo wei wan wən y ɥe jaŋ waŋ",
        "0",
        tones="→ ↗ ↓ ↘ ↘",
    ),
    "es": _split(
        "0 0 p p b b t t d ð k k ɡ ɣ f s s s x m m n n ɲ l l ɾ r β ʧ ʝ pl bɾ tɾ fl pɾ θ",
        "a a a e e e i o o u je we ai ei",
        "0 0 0 0 n s ɾ l",
        "ˈ",
    ),
    "it": _split(
        "0 p p b b t t d d k k ɡ f f v v s s z m m n n ɲ l l r r ʧ ʤ ʃ ʦ ʣ ʎ pr tr fl kw",
        "a a a e e ɛ i i o o ɔ u ja jo",
        "0 0 0 0 0 n r l m",
        "ˈ",
    ),
    "pt": _split(
        "0 p p b b t t d k k ɡ f f v v s s z ʃ ʒ m m n n ɲ l l ɾ x ʎ ʧ ʤ pɾ bɾ",
        "a a e ɛ i i o ɔ u ʊ ɐ ɐ\u0303 e\u0303 o\u0303 i\u0303 ɐ\u0303ʊ\u0303 ej oʊ",
        "0 0 0 0 0 s ɾ w",
        "ˈ",
    ),
    "hi": _split(
        "0 p b b pʰ bʰ t d tʰ ʈ ɖ k ɡ kʰ ʧ ʤ m m n n ɾ l s ʃ h ʋ ʋ j f",
        "ə ə ə aː aː ɪ iː ʊ uː eː ɛː oː ɔː ə\u0303 aː\u0303",
        "0 0 0 0 n ɾ k t m",
        "ˈ",
    ),
}

SYLLABLES_PER_WORD = (1, 5)
WORDS_PER_SENTENCE = (3, 8)
COMMA_SHARE = 0.15
SYLLABLES_PER_TONED_WORD = 2


def sentence(language: str, rng: np.random.Generator) -> str:
    """Random syllables as a sentence.

    Args:
        language: a key of :data:`SYSTEMS`.
        rng: where the randomness comes from.

    Returns:
        Phonemes with spaces, commas and a full stop.
    """
    system = SYSTEMS[language]
    words = [_word(system, rng) for _ in range(int(rng.integers(*WORDS_PER_SENTENCE)))]
    for i in range(1, len(words) - 2):
        if rng.random() < COMMA_SHARE:
            words[i] += ","
    return " ".join(words) + _one(".?!.", rng)


def _word(system: SoundSystem, rng: np.random.Generator) -> str:
    toned = len(system.tones) > 1
    count = SYLLABLES_PER_TONED_WORD if toned else int(rng.integers(*SYLLABLES_PER_WORD))
    stressed = int(rng.integers(count))
    syllables = []
    for i in range(count):
        onset, nucleus, coda = (_one(part, rng) for part in (system.onsets, system.nuclei, system.codas))
        stress = system.stress if i == stressed else ""
        syllables.append(onset + stress + nucleus + coda + _one(system.tones, rng))
    return "".join(syllables)


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
