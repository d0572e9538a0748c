"""Finds the written characters that each word of a reading came from, where no spaces part the words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from streaming.speech.text.tokens import Token

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*[%℃]?")
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
    return _joined(_whole_numbers(script, _leading_filled(spans, tokens)))


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


def _whole_numbers(script: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that touch a number hold all of it."""
    if not spans:
        return spans
    first, last = spans[0][0], max(stop for _, stop in spans)
    numbers = [(first + m.start(), first + m.end()) for m in _NUMBER.finditer(script[first:last])]
    widened: list[tuple[int, int]] = []
    for begin, stop in spans:
        touched = [n for n in numbers if n[0] < stop and begin < n[1]]
        widened.append((min([begin, *(n[0] for n in touched)]), max([stop, *(n[1] for n in touched)])))
    return widened


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that overlap become one."""
    joined: list[tuple[int, int]] = []
    first = 0
    for i, (begin, stop) in enumerate(spans):
        if joined and begin < joined[-1][1] and (begin, stop) != joined[-1]:
            begin, stop = joined[first][0], max(stop, joined[-1][1])
            joined[first:] = [(begin, stop)] * (i - first)
        elif not joined or (begin, stop) != joined[-1]:
            first = i
        joined.append((begin, stop))
    return joined
