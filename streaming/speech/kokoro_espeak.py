"""Spanish, French, Hindi, Italian and Portuguese to Kokoro's phonemes, by eSpeak NG's rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence

from streaming.speech.espeak_library import TIE
from streaming.speech.reading import Reading

_JOINED = {
    f"a{TIE}ɪ": "I",
    f"a{TIE}ʊ": "W",
    f"d{TIE}z": "ʣ",
    f"d{TIE}ʒ": "ʤ",
    f"e{TIE}ɪ": "A",
    f"o{TIE}ʊ": "O",
    f"ə{TIE}ʊ": "Q",
    f"s{TIE}s": "S",
    f"t{TIE}s": "ʦ",
    f"t{TIE}ʃ": "ʧ",
    f"ɔ{TIE}ɪ": "Y",
}
"""Two letters of one phoneme that the network knows as one symbol."""
_PAIR = re.compile("|".join(map(re.escape, _JOINED)))
_FOREIGN_FLAG = re.compile(r"\([^)]*\)")
"""eSpeak NG says in brackets where it goes over to another language's rules."""
_PUNCTUATION = ';:,.!?—…"“”()'
_WORD = re.compile(rf"(?P<before>[{_PUNCTUATION}]*)(?P<core>.*?)(?P<after>[{_PUNCTUATION}]*)")
_MARKS = frozenset("ˈˌː")


def read_with_espeak(text: str, alphabet: Container[str], pronounce: Callable[[str], str]) -> Reading:
    """Pronounce one clause.

    Args:
        text: words separated by single spaces.
        alphabet: the symbols that the model reads; others are left out.
        pronounce: phonemes of a text without punctuation, as
            :meth:`streaming.speech.espeak_library.EspeakLibrary.phonemes` gives them.
    """
    words = tuple(text.replace("।", ".").split())
    symbols: list[str] = []
    owners: list[int] = []

    def say(said: str, word: int) -> None:
        kept = [symbol for symbol in said if symbol in alphabet]
        symbols.extend(kept)
        owners.extend([word] * len(kept))

    group: list[int] = []
    parts = [_parts(word) for word in words]

    def say_group() -> None:
        cores = [parts[i][1] for i in group]
        for n, (said, owner) in enumerate(_pronounced(cores, pronounce)):
            say(f" {said}" if n else said, group[owner])
        group.clear()

    for i, (before, core, after) in enumerate(parts):
        if before:
            say_group()
        if symbols and not group:
            say(" ", i - 1 if not before else i)
        say(before, i)
        if core:
            group.append(i)
        if after:
            say_group()
            say(after, i)
    say_group()
    while symbols and symbols[-1] == " ":
        symbols.pop()
    return Reading(words, "".join(symbols), tuple(owners[: len(symbols)]))


def _parts(word: str) -> tuple[str, str, str]:
    match = _WORD.fullmatch(word)
    return (match["before"], match["core"], match["after"]) if match else ("", word, "")


def _pronounced(words: Sequence[str], pronounce: Callable[[str], str]) -> list[tuple[str, int]]:
    """Phonemes of each spoken word, and the index of the written one that it belongs to.

    Numbers become several spoken words, and little words melt into their neighbours. Where the counts differ,
    both are laid side by side by their lengths when they are spoken alone.
    """
    if not words:
        return []
    said = _spelled(pronounce(" ".join(words))).split()
    if len(said) == len(words):
        return [(phonemes, i) for i, phonemes in enumerate(said)]
    alone = [max(1, _length(_spelled(pronounce(word)))) for word in words]
    scale = sum(alone) / max(1, sum(map(_length, said)))
    result: list[tuple[str, int]] = []
    owner, owned, at = 0, alone[0], 0.0
    for phonemes in said:
        length = _length(phonemes) * scale
        while owner + 1 < len(words) and at + length / 2 > owned:
            owner += 1
            owned += alone[owner]
        result.append((phonemes, owner))
        at += length
    return result


def _spelled(phonemes: str) -> str:
    joined = _PAIR.sub(lambda match: _JOINED[match.group()], _FOREIGN_FLAG.sub("", phonemes))
    return joined.replace(TIE, "").replace("-", "")


def _length(phonemes: str) -> int:
    return sum(c not in _MARKS for c in phonemes)
