"""Captions from timed words: WebVTT in cues that people can read."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from streaming.slots import Word

MAX_LINE = 42
"""Characters of a line, as broadcasters have it."""
MAX_LINES = 2
MAX_CUE_SECONDS = 6.0
MIN_CUE_SECONDS = 1.0
PAUSE_SECONDS = 0.7
"""A silence this long between two words starts a new cue."""

_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")


def _timestamp(seconds: float) -> str:
    milliseconds = round(max(0.0, seconds) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _written(words: Sequence[Word], text: str, stop: int | None) -> list[str]:
    """Each word as the script writes it, with the punctuation and the space that follow it."""
    ends = [*(word.begin for word in words[1:]), len(text) if stop is None else stop]
    pieces = []
    for word, end in zip(words, ends, strict=True):
        raw = text[word.begin : max(end, word.stop)]
        pieces.append((" ".join(raw.split()) or word.text) + (" " if raw[-1:].isspace() else ""))
    return pieces


def _wrap(pieces: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for piece in pieces:
        if lines and _width(lines[-1] + piece.rstrip()) <= MAX_LINE:
            lines[-1] += piece
        else:
            lines.append(piece)
    return [line.rstrip() for line in lines]


def _width(text: str) -> int:
    """Letters as wide as a Latin one; Chinese, Japanese and Korean ones are twice as wide."""
    return len(text) + sum(unicodedata.east_asian_width(c) in "WF" for c in text if not c.isascii())


def _groups(words: Sequence[Word], pieces: Sequence[str]) -> list[tuple[int, int]]:
    """Index ranges of the words that share a cue."""
    groups: list[tuple[int, int]] = []
    begin = 0
    for i in range(1, len(words) + 1):
        if i < len(words):
            full = len(_wrap(pieces[begin : i + 1])) > MAX_LINES
            long = words[i].end - words[begin].start > MAX_CUE_SECONDS
            paused = words[i].start - words[i - 1].end > PAUSE_SECONDS
            sentence = pieces[i - 1].rstrip(" \"'”’)»」』").endswith(_SENTENCE_ENDS)
            if not (full or long or paused or sentence):
                continue
        groups.append((begin, i))
        begin = i
    return groups


def webvtt(words: Sequence[Word], text: str) -> str:
    """A WebVTT file.

    Args:
        words: in order of time, seconds from the start of the medium.
        text: the script that the words' spans point into.
    """
    cues = ["WEBVTT"]
    pieces = _written(words, text, None) if words else []
    groups = _groups(words, pieces)
    for number, (begin, stop) in enumerate(groups):
        start, end = words[begin].start, words[stop - 1].end
        room = words[groups[number + 1][0]].start if number + 1 < len(groups) else end + MIN_CUE_SECONDS
        end = max(end, min(start + MIN_CUE_SECONDS, room))
        lines = "\n".join(_escape(line) for line in _wrap(pieces[begin:stop]))
        cues.append(f"{_timestamp(start)} --> {_timestamp(end)}\n{lines}")
    return "\n\n".join(cues) + "\n"
