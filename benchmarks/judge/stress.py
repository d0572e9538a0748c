"""What a dictionary knows of a word's vowels, and an aligner does not: stress, and which are schwas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hibari.g2p import G2P

from streaming.face.visemes import DIPHTHONGS, VOWELS

MARKS = {"ˈ": 1.0, "ˌ": 0.5}
UNKNOWN = 0.5
"""Opens vowels as they are listed."""
STRONG, SCHWA, WEAK_R = "ʌ", "ə", "ɚ"
SHORTEST_STRONG_SECONDS = 0.070
"""Of words that no dictionary knows, the length decides."""
_AH, _ER = "AH", "ER"


@dataclass(frozen=True, slots=True)
class Vowel:
    """A vowel as a dictionary writes it, with its stress: 1 primary, 0.5 secondary, 0 none."""

    symbol: str
    stress: float


class Dictionary:
    """American English, as the embedded voice reads it: words by themselves, with their usual weak forms."""

    def __init__(self) -> None:
        self._read = G2P(british=False)

    def vowels(self, word: str) -> tuple[Vowel, ...]:
        """The vowels of a word, in order."""
        found: list[Vowel] = []
        stress = 0.0
        for symbol in self._read(word):
            if symbol in MARKS:
                stress = MARKS[symbol]
            elif symbol in VOWELS or symbol in DIPHTHONGS:
                found.append(Vowel(symbol, stress))
                stress = 0.0
        return tuple(found)

    def resolved(self, word: str, vowels: Sequence[tuple[str, str, float]]) -> list[tuple[str, float]]:
        """The vowels that an aligner found in a word, as sounds.

        Args:
            word: its spelling.
            vowels: of each its ARPABET name, our usual symbol for that, and its seconds.

        Returns:
            Symbol and stress of each. Stress is not known where the dictionary has another number of vowels.
        """
        known: Sequence[Vowel | None] = self.vowels(word)
        if len(known) != len(vowels):
            known = [None] * len(vowels)
        return [_resolved(*vowel, listed) for vowel, listed in zip(vowels, known, strict=True)]


def _resolved(name: str, symbol: str, seconds: float, listed: Vowel | None) -> tuple[str, float]:
    if listed is None:
        if name == _AH:
            symbol = STRONG if seconds >= SHORTEST_STRONG_SECONDS else SCHWA
        return symbol, UNKNOWN
    if name == _AH and listed.symbol != STRONG:
        # The speaker said it weaker than it is written.
        return SCHWA, 0.0
    if name == _ER and listed.stress == 0.0:
        return WEAK_R, 0.0
    return symbol, listed.stress
