"""Finds which written word each word of a normalizer's output came from."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from streaming.speech.text.tokens import Token


def align(tokens: Sequence[Token], normalized: Sequence[str]) -> list[tuple[int, int]]:
    """The span in the script of every normalized word.

    Words that the normalizer kept or replaced one for one keep their own span; where several written words
    became a different number of words ("7:30 pm" became "seven thirty P.M."), they share one span.

    Args:
        tokens: the written words of a clause, at least one.
        normalized: the words that the normalizer made of them, in order.

    Returns:
        One (begin, stop) per normalized word. Spans never fall back and never overlap unless they are equal.
    """
    source = [(word, i) for i, token in enumerate(tokens) for word in token.spoken.split(" ")]
    ranges: list[tuple[int, int]] = []
    matcher = SequenceMatcher(
        None, [_key(w) for w, _ in source], [_key(w) for w in normalized], autojunk=False
    )
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal" or (kind == "replace" and b - a == d - c):
            ranges += [(source[i][1], source[i][1]) for i in range(a, b)]
        elif kind == "replace":
            ranges += [(source[a][1], source[b - 1][1])] * (d - c)
        elif kind == "insert":
            near = source[max(0, a - 1)][1]
            ranges += [ranges[-1] if ranges else (near, near)] * (d - c)
    return [(tokens[i].begin, tokens[j].stop) for i, j in _merge_overlaps(ranges)]


def _key(word: str) -> str:
    """A word without the marks that normalizers add, move or drop."""
    return word.strip("$£€#.,;:!?…()\"'“”‘’").lower() or word


def _merge_overlaps(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Widen neighbouring ranges that share a token, so that they become equal."""
    merged: list[tuple[int, int]] = []
    first = 0
    for i, (begin, stop) in enumerate(ranges):
        if merged and begin <= merged[-1][1]:
            if (begin, stop) != merged[-1]:
                joined = (merged[first][0], max(stop, merged[-1][1]))
                merged[first:] = [joined] * (i - first)
                begin, stop = joined
        else:
            first = i
        merged.append((begin, stop))
    return merged
