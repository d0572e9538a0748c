"""How one written word is said: markup and emoji dropped, addresses read out, rare letters transliterated.

Numbers, dates, currency and abbreviations are left to the engine's own normalizer, which sees whole clauses.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable

from anyascii import anyascii

from streaming.speech.text.addresses import say_addresses

MAX_WORD_LETTERS = 20
"""Longer runs of letters are broken up: letter-to-sound models read only so far."""
MAX_NUMBER_DIGITS = 15
"""Longer numbers are read digit by digit."""

INLINE_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->")
LINK_TARGET = re.compile(r"\]\([^)]*\)?|\]\[[^\]]*\]?")

_KEPT = frozenset("“”‘’—–…£€¥₹₩°¢§¶±×÷™®©½¼¾²³µ→")
_TWO_LETTERED = frozenset("İŉ")
"""Letters that become two in lower case, which letter-to-sound models do not expect."""
_LINE_MARK = re.compile(r"[-*+•‣▪>|=~_#]+|\[[ xX]?\]|(?:-{3,}|\*{3,})")
_FENCE = re.compile(r"`{3,}\w*|~{3,}\w*")
_TABLE_RULE = re.compile(r"[|:+-]*-{2,}[|:+-]*\|?")
_EDGE_QUOTE = re.compile(r"^['‘’](?!(?:tis|twas|em|til|cause|n|\d0s)\b)|(?<![sn])['‘’]$", re.IGNORECASE)
_EMOTICON = re.compile(
    r"[:;][-'^o]?[)(\]\[DPpOo3/\\|*]+|=[)(\]\[DPp]+|[)(]+[-'^]?[:;=]|<\\?/?3+|[xX]D+|¯\S*¯"
    r"|[-^>][_.]+[-^<];?|([TOo])_+\1"
)
_NAMED = {
    **dict.fromkeys("←↑↓↔↕⇐⇑⇓⇔†‡", ""),
    "⇒": "→",
    "√": " square root of ",
    "∞": " infinity ",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
}
"""Characters that neither engines nor transliteration know."""
_GREEK_LETTER = re.compile(r"(?<![Ͱ-Ͽἀ-῿])[Α-Ωα-ω](?![Ͱ-Ͽἀ-῿])")
_MU_OF_UNIT = re.compile(r"(?<![Ͱ-Ͽ])μ(?=[mgslAV]\b)")
_SYMBOL_CATEGORIES = frozenset({"So", "Sk", "Cn", "Co", "Cs", "Cc", "Cf", "Me"})


def _is_plain(character: str) -> bool:
    """Whether engines of the Latin alphabet read the character as it is."""
    if character in _TWO_LETTERED:
        return False
    return " " <= character <= "~" or "À" <= character <= "ž" or character in _KEPT


def _spell(character: str) -> str:
    """A character in plain letters, or nothing for a picture, a control or an unknown one."""
    if _is_plain(character):
        return character
    if character in _NAMED:
        return _NAMED[character]
    if unicodedata.decomposition(character).startswith("<fraction>"):
        return " " + unicodedata.normalize("NFKC", character).replace("\N{FRACTION SLASH}", "/")
    if unicodedata.category(character) in _SYMBOL_CATEGORIES:
        # Letters in circles, squares and the like are symbols with a plain twin; pictures have none.
        twin = unicodedata.normalize("NFKC", character)
        return twin if twin != character and all(map(_is_plain, twin)) else ""
    twin = unicodedata.normalize("NFKC", character)
    return twin if all(map(_is_plain, twin)) else anyascii(character)


def _name_greek(match: re.Match[str]) -> str:
    """A Greek letter that stands alone in other writing is called by its name."""
    name = unicodedata.name(match.group()).rsplit(" ", 1)[-1].lower()
    return f" {'lambda' if name == 'lamda' else name} "


def _strongest(match: re.Match[str]) -> str:
    run = match.group()
    return "?" if "?" in run else "!"


def _spell_digits(match: re.Match[str]) -> str:
    return " ".join(c for c in match.group() if c.isdigit())


def _break_word(match: re.Match[str]) -> str:
    word = match.group()
    return " ".join(word[i : i + MAX_WORD_LETTERS] for i in range(0, len(word), MAX_WORD_LETTERS))


_Replacement = str | Callable[[re.Match[str]], str]
_REWRITES: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    (re.compile(r"[!?]{2,}"), _strongest),
    (re.compile(r"\.{2,}|…{2,}"), "…"),
    (re.compile(r"-{2,}"), "—"),
    (re.compile(r"([,;:'\"“”])\1+"), r"\1"),
    (re.compile(r"(?<=\d)\*(?=\d)"), " times "),
    (re.compile(r"(?<=[A-Z])#(?!\w)"), " sharp"),
    (re.compile(r"[`*\[\]{}]+"), ""),
    (re.compile(r"[\\_|]+"), " "),
    (re.compile(r"~{2,}"), ""),
    (re.compile(r"([^\w\s])\1{2,}"), r"\1"),
    # An engine that has a dictionary finds out whether "sooo" is "so" or "soo".
    (re.compile(r"([^\W\d_])\1{3,}"), r"\1\1\1"),
    (re.compile(r"(?<=[a-z]{2})\.(?=[a-z]{2})"), " dot "),
    (re.compile(r"(?<![\w.])\.(?=[a-z]{2}|NET\b)"), " dot "),
    (re.compile(r"(?<=\d)(?: (?=\d/\d)|(?=[½¼¾]))"), " and "),
    (re.compile(rf"\d(?:[\d,.]*\d)?(?<=[\d,.]{{{MAX_NUMBER_DIGITS + 1}}})"), _spell_digits),
    (re.compile(rf"[^\W\d_]{{{MAX_WORD_LETTERS + 1},}}"), _break_word),
)


def say_word(raw: str, *, line_start: bool = False) -> str:
    """What to say for one written word.

    Args:
        raw: a run of characters without whitespace, except inside HTML tags.
        line_start: the word begins a line, where bullets, heading marks and rules stand.

    Returns:
        Plain words separated by single spaces, punctuation attached; empty when nothing is to be said.
    """
    text = html.unescape(INLINE_TAG.sub("", raw))
    text = LINK_TARGET.sub("", text).replace("![", "").replace("\N{FULLWIDTH COMMA}", ",")
    if _FENCE.fullmatch(text) or (len(text) > 2 and _TABLE_RULE.fullmatch(text)):
        return ""
    if line_start and _LINE_MARK.fullmatch(text):
        return ""
    if _EMOTICON.fullmatch(text):
        return ""
    text = say_addresses(text)
    text = _GREEK_LETTER.sub(_name_greek, _MU_OF_UNIT.sub("µ", text))
    text = "".join(map(_spell, unicodedata.normalize("NFC", text)))
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    text = _EDGE_QUOTE.sub("", text.strip())
    text = " ".join(text.split())
    if text in {"-", "–"}:
        return "—"
    return "" if text == "#" else text
