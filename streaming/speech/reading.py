"""How a clause is pronounced: what every front end of a speech model makes of text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """How a clause is pronounced.

    Attributes:
        words: the words after normalization, as they are read.
        symbols: phonemes in the model's alphabet.
        word_of_symbol: index into ``words`` for each symbol.
    """

    words: tuple[str, ...]
    symbols: str
    word_of_symbol: tuple[int, ...]

    def with_more(self, symbols: str) -> Reading:
        """The same and then symbols that stand in no text; they count as one word more."""
        word = max(len(self.words), self.word_of_symbol[-1] + 1)
        owners = (*self.word_of_symbol, *[word] * len(symbols))
        return Reading(self.words, self.symbols + symbols, owners)

    def part(self, start: int, stop: int) -> Reading:
        """Symbols ``start`` to ``stop``, still counted to the words of the whole."""
        return Reading(self.words, self.symbols[start:stop], self.word_of_symbol[start:stop])

    def stripped(self) -> Reading:
        """Without the spaces at both ends."""
        start = len(self.symbols) - len(self.symbols.lstrip(" "))
        return self.part(start, max(start, len(self.symbols.rstrip(" "))))
