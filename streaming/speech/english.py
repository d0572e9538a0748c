"""English text to phonemes in misaki's alphabet, by the rules and dictionaries that come with hibari."""

from __future__ import annotations

from collections.abc import Container

from hibari.g2p import G2P, normalize

from streaming.speech.hibari_reading import put_in_words
from streaming.speech.reading import Reading


def read_english(g2p: G2P, text: str, alphabet: Container[str]) -> Reading:
    """Pronounce one clause of plain text.

    Args:
        g2p: rules of American or British English.
        text: words separated by single spaces.
        alphabet: the symbols that the model reads; others are left out.
    """
    text = normalize(put_in_words(text, g2p.lexicon.golds.__contains__))
    symbols: list[str] = []
    owners: list[int] = []
    word = 0
    for token in g2p.phonemize_tokens(g2p.tokenize(text)) if text else ():
        said = (token.phonemes or "") + (" " if token.whitespace else "")
        kept = [symbol for symbol in said if symbol in alphabet]
        symbols += kept
        owners += [word] * len(kept)
        word += bool(token.whitespace)
    while symbols and symbols[-1] == " ":
        symbols.pop()
    return Reading(tuple(text.split()), "".join(symbols), tuple(owners[: len(symbols)]))
