"""How much of a text is rendered at a time: little at first, then as much as what is buffered allows.

The network gives no sound before all of its input is spoken, so the first portion is short and every later
one is as long as can be computed while those before it are heard. Every cut inside a sentence costs melody.
What is decided here depends on the text alone, never on the clock: the same request gives the same sound.
"""

from __future__ import annotations

from streaming.speech.reading import Reading
from streaming.speech.text.clauses import Ending
from streaming.speech.text.wording import Wording

FIRST_SYMBOLS = 28
"""Symbols of the first portion at speed 1: some 2 s of speech."""
MIN_SYMBOLS = 30
MAX_SYMBOLS = 90
"""Some 7 s: longer portions sound no better, and others wait for them."""
STRETCH = 1.25
"""A portion may be this much longer when the clause ends there."""
SHORTEST_REST = 10
"""Symbols that are not left over for a portion of their own."""
EARLIEST_CUT = 0.4
"""Share of the limit before which no punctuation is looked for."""

COST = 0.32
"""Seconds of computing per second of sound that are reckoned with; on two idle cores they are 0.17."""
SYMBOLS_PER_SECOND = 13.0
SILENCE_SECONDS = 0.6
"""What the network renders around every portion."""

_ENDINGS = {
    ",": Ending.COMMA,
    ";": Ending.COLON,
    ":": Ending.COLON,
    "—": Ending.DASH,
    ".": Ending.SENTENCE,
    "!": Ending.SENTENCE,
    "?": Ending.SENTENCE,
    "…": Ending.SENTENCE,
}
_CLOSING = '"”) '


class Budget:
    """Reckons how much sound is buffered while a text is spoken.

    Args:
        speed: 0.5 (slow) .. 2.0 (fast).
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._buffered: float | None = None

    @property
    def buffered(self) -> float:
        """Seconds of sound that are reckoned to be ahead of who listens."""
        return self._buffered or 0.0

    def limit(self) -> int:
        """How many symbols the next portion may have."""
        if self._buffered is None:
            return round(FIRST_SYMBOLS * self._speed)
        seconds = self._buffered / COST - SILENCE_SECONDS / self._speed
        return max(MIN_SYMBOLS, min(MAX_SYMBOLS, round(seconds * SYMBOLS_PER_SECOND * self._speed)))

    def spend(self, rendered: float, kept: float) -> None:
        """A portion was rendered.

        Args:
            rendered: seconds that the network made.
            kept: seconds that are heard.
        """
        if self._buffered is None:
            self._buffered = kept
        else:
            self._buffered = max(0.0, self._buffered - rendered * COST) + kept


def portion_end(reading: Reading, start: int, limit: int, wording: Wording) -> int:
    """Where the portion that begins at symbol ``start`` ends: at punctuation, else between two phrases.

    Args:
        reading: a clause.
        start: index of its first symbol that has not been spoken.
        limit: how many symbols the portion may have.
        wording: the language, which knows where phrases begin and end.
    """
    symbols = reading.symbols
    left = len(symbols) - start
    if left <= limit * STRETCH:
        return len(symbols)
    last = start + min(limit, left - SHORTEST_REST)
    spaces = [i for i in range(start + 1, last + 1) if symbols[i] == " "]
    marked = [i for i in spaces if symbols[i - 1] in _ENDINGS and i - start >= limit * EARLIEST_CUT]
    if marked:
        return marked[-1]
    opening = [i for i in spaces if i - start >= limit * EARLIEST_CUT and _parts_phrases(reading, i, wording)]
    if opening:
        return opening[-1]
    if spaces:
        return spaces[-1]
    following = symbols.find(" ", last)
    return following if 0 <= following <= start + limit * STRETCH else last


def ending_of(symbols: str) -> Ending:
    """How a portion ends that is not the last of its clause."""
    return _ENDINGS.get(symbols.rstrip(_CLOSING)[-1:], Ending.CUT)


def _parts_phrases(reading: Reading, space: int, wording: Wording) -> bool:
    words, owners = reading.words, reading.word_of_symbol
    before, after = owners[space - 1], owners[min(space + 1, len(owners) - 1)]
    if before == after or after >= len(words):
        return False
    following = words[after].lower()
    return (
        following in wording.conjunctions
        or following in wording.phrase_starts
        or words[before].lower() in wording.phrase_ends
    )
