"""English numbers in words: the model reads digits by guess, and guesses wrong in dates, prices and years.

Other languages keep their digits: nothing here knows their numerals, and only English is known to go wrong.
"""

from __future__ import annotations

import re

from hibari.g2p import normalize
from hibari.g2p.numbers import cardinal, ordinal, year

from streaming.speech.hibari_reading import put_in_words

SIGNS = "$£€¥₹₩%&=+°×÷½¼¾²³"
_YEARS = range(1100, 2100)
_ORDINAL = re.compile(r"\b(\d{1,9})(?:st|nd|rd|th)\b")
_DECADE = re.compile(r"(?<![\w.,])(\d{2}|\d{4})s\b")
_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_MINUS = re.compile(r"(?<![\w-])-(?=\d)")
_LONGEST = 15
"""More digits are read one by one."""
_SIGN_WORDS = {"%": "percent", "&": "and", "=": "equals", "+": "plus", "×": "times", "÷": "divided by"}
_FRACTIONS = {"½": "one half", "¼": "one quarter", "¾": "three quarters", "²": "squared", "³": "cubed"}
_SIGN = re.compile(rf"\s*([{re.escape(''.join((*_SIGN_WORDS, *_FRACTIONS)))}])\s*")


def has_number(spoken: str) -> bool:
    """Whether a written word holds a digit, or a sign that goes with digits."""
    return any(c.isdigit() or c in SIGNS for c in spoken)


def in_words(text: str) -> str:
    """A stretch of an English sentence with its numbers, prices, dates and times of day in words.

    Args:
        text: words separated by single spaces, among them what belongs to the numbers ("March 3,").
    """
    text = normalize(put_in_words(text, lambda _: True))
    text = _MINUS.sub("minus ", text)
    text = _DECADE.sub(lambda m: _plural(year(int(m[1])) if len(m[1]) == 4 else cardinal(int(m[1]))), text)
    text = _ORDINAL.sub(lambda m: _plain(ordinal(int(m[1]))), text)
    text = _NUMBER.sub(lambda m: _number(m.group()), text)
    text = _SIGN.sub(lambda m: f" {_SIGN_WORDS.get(m[1]) or _FRACTIONS[m[1]]} ", text)
    return re.sub(r" (?=[,.;:!?])", "", " ".join(text.split()))


def _number(digits: str) -> str:
    whole, _, fraction = digits.partition(".")
    plain = whole.replace(",", "")
    if len(plain) > _LONGEST or (len(plain) > 1 and plain[0] == "0"):
        return " ".join(cardinal(int(digit)) for digit in plain) + (
            f" {_number(fraction)}" if fraction else ""
        )
    if fraction:
        return _plain(cardinal(int(plain))) + " point " + " ".join(cardinal(int(digit)) for digit in fraction)
    number = int(plain)
    return (
        year(number)
        if "," not in whole and len(plain) == 4 and number in _YEARS
        else _plain(cardinal(number))
    )


def _plain(words: str) -> str:
    """Without commas, at which a voice would pause."""
    return words.replace(",", "")


def _plural(words: str) -> str:
    return words[:-1] + "ies" if words.endswith("y") else words + "s"
