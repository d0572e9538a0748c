"""What hibari's own normalizer would misread, put in words before it.

It reads most numbers, dates, times, units and abbreviations well. Wrong are: money in a list ("$3, 6 people"
becomes "six dollars people"), telephone numbers, ranges before a full stop or a percent sign, proportions,
operators, "the book I read" ("book one read"), short words in capitals (spelled) and letters drawn out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from hibari.g2p.normalize import MONTH_NAMES, RE_ROMAN_C, RE_ROMAN_O

_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_SCALE = r"(?:hundred|thousand|million|billion|trillion|(?:[kKmMbB]|bn|mn)\b)"

_MONEY_NAMES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
}
_SIGN_AFTER = re.compile(rf"(?<![\w.,$£€])({_NUMBER})\s?([£€])(?!\w)")
_MONEY_RANGE = re.compile(rf"([$£€])({_NUMBER})\s?[-–]\s?[$£€]?(?={_NUMBER})")
_MONEY = re.compile(
    rf"(?P<minus>(?<!\w)-)?(?<![A-Za-z\d])(?P<country>US|U\.S\.|CA|AU|NZ|HK)?(?P<sign>[$£€])\s?"
    rf"(?P<amount>{_NUMBER})(?P<scale>\s?{_SCALE})?(?![\w])"
)
_COUNTRIES = {
    "US": "U.S.",
    "U.S.": "U.S.",
    "CA": "Canadian",
    "AU": "Australian",
    "NZ": "New Zealand",
    "HK": "Hong Kong",
}
_SCALES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion"}
_PER = re.compile(r"(?<=[a-z\d%])/(?=(?:month|year|week|day|hour|minute|night|person|user|seat|kg|hr)\b)")

_TELEPHONE = re.compile(
    r"(?<![\w.,/:+-])(?:"
    r"\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,5}"
    r"|(?:1[ -])?\(\d{2,5}\) ?\d{2,4}(?:[ -]\d{2,5}){0,3}"
    r"|(?:1[ .-])?\d{3}[ .-]\d{3}[.-]\d{4}"
    r"|0\d{1,4}(?:[ -]\d{2,8}){1,4}"
    r"|(?:\d{4}[ -]){3}\d{4}"
    r"|0\d{2,}"
    r")(?![\w]|[.,:/-]\d)"
)
_TELEPHONE_DIGITS = 7
"""Fewer digits in several groups are no telephone number."""
_SPACED_THOUSANDS = re.compile(r"(?<!\d )(?<![\w.,])[1-9]\d{0,2}(?: \d{3})* 000(?![\w]| \d)")
_DOTTED_DATE = re.compile(r"(?<![\w.])(\d{1,2})\.(\d{1,2})\.(\d{4})(?![\w]|\.\d)")
_DOTTED = re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?![\w]|\.\d)")
_LEADING_POINT = re.compile(r"(?<![\w.])\.(?=\d)")
_RANGE = re.compile(r"(?<![\w.,:/+-])(?!\d{3}-\d{4}\b)(\d{1,4})[-–](?=\d{1,4}(?![\w/-]|[.,:]\d))")
_MINUS = re.compile(rf"(?<=\d) [—-] (?={_NUMBER} ?=)")
_PROPORTION = re.compile(r"(?<![\w.:])(\d{1,3}):(\d{1,3})(?![\w:])")
_TIME_OF_DAY = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d")

_EXPRESSIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r" ?!==? ?"), " is not "),
    (re.compile(r" ?===? ?"), " equals "),
    (re.compile(r" ?(?:<=|=<) ?"), " is at most "),
    (re.compile(r" ?>= ?"), " is at least "),
    (re.compile(r"(?<=\s)(?:->|=>)(?=\s)"), "to"),
    (re.compile(r" ?&& ?"), " and "),
    (re.compile(r"\b24/7\b"), "24 7"),
    (re.compile(r"\bb/c\b"), "because"),
    (re.compile(r"\bkm/h\b"), "kilometers per hour"),
    (re.compile(r"\bkm/s\b"), "kilometers per second"),
    (re.compile(r"\bm/s\b"), "meters per second"),
    (re.compile(r"\bMB/s\b"), "megabytes per second"),
    (re.compile(r"\bGB/s\b"), "gigabytes per second"),
)

_PRONOUN = re.compile(r"(?<=\s)I(?= (?!(?:of|and|to|in)\b)[a-z])")
_CROWNED = re.compile(r"\b(?:King|Queen|Pope|Emperor|Empress|Tsar|Czar|Kaiser|Saint|St)\b")
_SERIAL_LETTERS = "CL"

_CAPITALS = re.compile(r"(?<![\w.'’&/-])[A-Z]{2,}(?![\w.'’&/-]*[\w&/])")
_SMALL_WORDS = frozenset("as at be by go he if me my no of on or so up we an is do to in".split())
"""Spelled by hibari when written in capitals; none is a common abbreviation."""
_SMALL_OR_ABBREVIATION = frozenset("it us am who".split())
"""Words only where everything is in capitals."""
_SHOUTED_WORDS = 3

_DRAWN_OUT = re.compile(r"(?<![\w&])[^\W\d_]*([^\W\d_])\1{2}[^\W\d_]*(?![\w&])")
_RUN = re.compile(r"([^\W\d_])\1{2,}")
_SHORTEST_SHOUT = 4
"""Fewer capitals with a triple letter are a name (AAA, WWW)."""
_NUMERAL_LETTERS = frozenset("IVXLCDM")


def put_in_words(text: str, known: Callable[[str], bool]) -> str:
    """Rewrite a clause so that hibari's normalizer reads it as a person would.

    Args:
        text: a clause as it is said (see :class:`streaming.speech.text.clauses.Clause`).
        known: whether a word in small letters is in the dictionary.
    """
    if any(c.isdigit() for c in text):
        text = _numbers(text)
    for pattern, words in _EXPRESSIONS:
        text = pattern.sub(words, text)
    text = _letters_that_are_no_numerals(text)
    text = _small_words_in_capitals(text)
    return _DRAWN_OUT.sub(lambda match: _shortened(match.group(), known), text)


def _numbers(text: str) -> str:
    text = _SPACED_THOUSANDS.sub(lambda m: m.group().replace(" ", ""), text)
    text = _SIGN_AFTER.sub(r"\2\1", text)
    text = _MONEY_RANGE.sub(r"\1\2 to \1", text)
    text = _MONEY.sub(_money, text)
    text = _PER.sub(" per ", text)
    text = _TELEPHONE.sub(lambda m: _digit_by_digit(m.group()), text)
    text = _DOTTED_DATE.sub(_date, text)
    text = _DOTTED.sub(
        lambda m: m.group().replace(".", " dot " if m.group().count(".") > 2 else " point "), text
    )
    text = _LEADING_POINT.sub("0.", text)
    text = _RANGE.sub(r"\1 to ", text)
    text = _MINUS.sub(" minus ", text)
    return _PROPORTION.sub(
        lambda m: m.group() if _TIME_OF_DAY.fullmatch(m.group()) else f"{m[1]} to {m[2]}", text
    )


def _money(match: re.Match[str]) -> str:
    one, many, small_one, small_many = _MONEY_NAMES[match["sign"]]
    country = _COUNTRIES[match["country"]] + " " if match["country"] else ""
    minus = "minus " if match["minus"] else ""
    if match["scale"]:
        scale = match["scale"].strip()
        scale = _SCALES.get(scale.lower(), scale)
        return f"{minus}{match['amount']} {scale} {country}{many}"
    whole, _, fraction = match["amount"].partition(".")
    if fraction and len(fraction) != 2:
        return f"{minus}{match['amount']} {country}{many}"
    parts: list[str] = []
    if int(whole.replace(",", "")) or not int(fraction or 0):
        parts.append(f"{whole} {country}{one if whole == '1' else many}")
    if int(fraction or 0):
        parts.append(f"{int(fraction)} {small_one if int(fraction) == 1 else small_many}")
    return minus + " and ".join(parts)


def _digit_by_digit(number: str) -> str:
    groups = re.findall(r"\d+", number)
    if len(groups) > 1 and sum(map(len, groups)) < _TELEPHONE_DIGITS:
        return number
    plus = "plus " if number.startswith("+") else ""
    return plus + ", ".join(" ".join(group) for group in groups)


def _dotted(match: re.Match[str]) -> str:
    """Addresses of machines have four parts, versions three."""
    number = match.group()
    return number.replace(".", " dot " if number.count(".") > 2 else " point ")


def _date(match: re.Match[str]) -> str:
    day, month, year = int(match[1]), int(match[2]), match[3]
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return match.group()
    return f"{day} {MONTH_NAMES[month - 1]} {year}"


def _letters_that_are_no_numerals(text: str) -> str:
    """Small letters are never taken for Roman numerals."""

    def small(match: re.Match[str]) -> str:
        word, numeral = match.group(1), match.group(2)
        at = match.start(2)
        pronoun = (
            numeral == "I"
            and _PRONOUN.match(text, at)
            and not _CROWNED.search(text, 0, at)
            and not (word[0].isupper() and match.re is RE_ROMAN_C)
        )
        if pronoun or (numeral in _SERIAL_LETTERS and match.re is RE_ROMAN_C):
            return f"{word} {numeral.lower()}"
        return match.group()

    # Both patterns take an empty numeral, too.
    for pattern in (RE_ROMAN_C, RE_ROMAN_O):
        text = pattern.sub(small, text)
    return text


def _small_words_in_capitals(text: str) -> str:
    words = re.findall(r"[^\W\d_]+", text)
    shouted = len(words) >= _SHOUTED_WORDS and text.upper() == text
    small = _SMALL_WORDS | _SMALL_OR_ABBREVIATION if shouted else _SMALL_WORDS
    return _CAPITALS.sub(lambda m: m.group().lower() if m.group().lower() in small else m.group(), text)


def _shortened(word: str, known: Callable[[str], bool]) -> str:
    """The dictionary's word that somebody drew out ("soooo", "gooood"), double letters preferred."""
    if word.isupper() and (len(word) < _SHORTEST_SHOUT or set(word) <= _NUMERAL_LETTERS):
        return word
    parts = _RUN.split(word)
    # Even places hold what stands between the runs, odd ones the letter of each run.
    choices = [(part,) if i % 2 == 0 else (part * 2, part) for i, part in enumerate(parts)]
    candidates = ["".join(choice) for choice in itertools.product(*choices)]
    for candidate in candidates:
        if len(candidate) > 1 and known(candidate.lower()):
            return candidate.lower() if candidate.isupper() else candidate
    return candidates[0] if len(candidates[0]) > 2 else word
