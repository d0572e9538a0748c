"""Finds the written characters that each word of a reading came from, where no spaces part the words."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from streaming.speech.text.tokens import Token

_NAMED_DIGITS = str.maketrans("零〇一二三四五六七八九", "00123456789")


def align_letters(script: str, tokens: Sequence[Token], words: Sequence[str]) -> list[tuple[int, int]]:
    """The span in the script of every word of a reading.

    Words made of other characters than the written ones (numbers, signs) take what stands between their
    neighbours; those that find nothing share a neighbour's span.

    Args:
        script: what spans refer to.
        tokens: the written runs of a clause, at least one.
        words: what was read, in order.

    Returns:
        One (begin, stop) per word: rising, and apart or equal.
    """
    places = [place for token in tokens for place in range(token.begin, token.stop)]
    written = [_key(script[place]) for place in places]
    said: list[str] = []
    owners: list[int] = []
    for i, word in enumerate(words):
        for character in word:
            said.append(_key(character))
            owners.append(i)
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    matcher = SequenceMatcher(None, written, said, autojunk=False)
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            owner = owners[block.b + offset]
            first.setdefault(owner, block.a + offset)
            last[owner] = block.a + offset + 1
    spans: list[tuple[int, int]] = []
    i = at = 0
    while i < len(words):
        if i in first:
            begin, stop = max(at, first[i]), max(at, last[i])
            count = 1
        else:
            count = next((n for n in range(i, len(words)) if n in first), len(words)) - i
            begin = at
            stop = max(at, first[i + count]) if i + count < len(words) else len(places)
            begin, stop = _trimmed(script, places, begin, stop)
        if begin < stop:
            spans += [(places[begin], places[stop - 1] + 1)] * count
            at = stop
        else:
            near = spans[-1] if spans else (tokens[0].begin, tokens[0].begin)
            spans += [near] * count
        i += count
    return _leading_filled(spans, tokens)


def _key(character: str) -> str:
    return unicodedata.normalize("NFKC", character).lower().translate(_NAMED_DIGITS)


def _trimmed(script: str, places: Sequence[int], begin: int, stop: int) -> tuple[int, int]:
    """Without the spaces and punctuation at both ends, when something else is left."""
    inner = [n for n in range(begin, stop) if script[places[n]].isalnum() or script[places[n]] in "%℃°$€£¥&@"]
    return (inner[0], inner[-1] + 1) if inner else (begin, begin)


def _leading_filled(spans: list[tuple[int, int]], tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Words before the first match share its span."""
    real = next((span for span in spans if span[0] < span[1]), (tokens[0].begin, tokens[-1].stop))
    return [span if span[0] < span[1] else real for span in spans]
