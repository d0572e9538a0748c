"""How one written word is said: markup and emoji dropped, addresses read out, rare letters transliterated.

Numbers, dates, currency and abbreviations are left to the engine's own normalizer, which sees whole clauses.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from anyascii import anyascii

from streaming.speech.text.addresses import say_addresses
from streaming.speech.text.scripts import LATIN, block_of
from streaming.speech.text.wording import ANY, ENGLISH, Wording

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
    "«": "“",
    "»": "”",
    "¿": "",
    "¡": "",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
}
"""Characters that neither engines nor transliteration know."""
_EAST_ASIAN_SIGNS = frozenset("。、「」『』《》【】〈〉々〆〇ー・〜～．")
_GREEK_LETTER = re.compile(r"(?<![Ͱ-Ͽἀ-῿])[Α-Ωα-ω](?![Ͱ-Ͽἀ-῿])")
_MU_OF_UNIT = re.compile(r"(?<![Ͱ-Ͽ])μ(?=[mgslAV]\b)")
_SYMBOL_CATEGORIES = frozenset({"So", "Sk", "Cn", "Co", "Cs", "Cc", "Cf", "Me"})


def _is_plain(character: str) -> bool:
    """Whether engines of the Latin alphabet read the character as it is."""
    if character in _TWO_LETTERED:
        return False
    return " " <= character <= "~" or "À" <= character <= "ž" or character in _KEPT


def _is_native(character: str, wording: Wording) -> bool:
    """Whether the character belongs to a writing system of the language, beyond Latin letters."""
    if character in _EAST_ASIAN_SIGNS:
        return wording.reads("Han")
    if wording is ANY:
        return unicodedata.category(character)[0] in "LM" and not character.isascii()
    block = block_of(character)
    return block not in (None, LATIN) and wording.reads(block)


def _spell(character: str, wording: Wording) -> str:
    """A character in letters of the language, or nothing for a picture, a control or an unknown one."""
    if _is_plain(character) or _is_native(character, wording):
        return character
    if character in _NAMED:
        return _NAMED[character]
    if character in "√∞":
        return f" {wording.square_root if character == '√' else wording.infinity} "
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


_Replacement = str | Callable[[re.Match[str]], str]


@lru_cache(maxsize=16)
def _rewrites(wording: Wording) -> tuple[tuple[re.Pattern[str], _Replacement], ...]:
    longest = wording.longest_word
    dot = f" {wording.dot} "

    def break_word(match: re.Match[str]) -> str:
        word = match.group()
        return " ".join(word[i : i + longest] for i in range(0, len(word), longest))

    broken = ((re.compile(rf"[^\W\d_]{{{longest + 1},}}"), break_word),) if longest else ()
    return (
        (re.compile(r"[!?]{2,}"), _strongest),
        (re.compile(r"\.{2,}|…{2,}"), "…"),
        (re.compile(r"-{2,}"), "—"),
        (re.compile(r"([,;:'\"“”])\1+"), r"\1"),
        (re.compile(r"(?<=\d)\*(?=\d)"), f" {wording.times} "),
        (re.compile(r"(?<=[A-Z])#(?!\w)"), f" {wording.sharp}"),
        (re.compile(r"[`*\[\]{}]+"), ""),
        (re.compile(r"[\\_|]+"), " "),
        (re.compile(r"~{2,}"), ""),
        (re.compile(r"([^\w\s])\1{2,}"), r"\1"),
        # An engine that has a dictionary finds out whether "sooo" is "so" or "soo".
        (re.compile(r"([^\W\d_])\1{3,}"), r"\1\1\1"),
        (re.compile(r"(?<=[a-z]{2})\.(?=[a-z]{2})"), dot),
        (re.compile(r"(?<![\w.])\.(?=[a-z]{2}|NET\b)"), dot),
        (re.compile(r"(?<=\d)(?: (?=\d/\d)|(?=[½¼¾]))"), f" {wording.fraction} "),
        (re.compile(rf"\d(?:[\d,.]*\d)?(?<=[\d,.]{{{MAX_NUMBER_DIGITS + 1}}})"), _spell_digits),
        *broken,
    )


def say_word(raw: str, *, line_start: bool = False, wording: Wording = ENGLISH) -> str:
    """What to say for one written word.

    Args:
        raw: a run of characters without whitespace, except inside HTML tags.
        line_start: the word begins a line, where bullets, heading marks and rules stand.
        wording: the language that it is said in.

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
    text = say_addresses(text, wording)
    text = _GREEK_LETTER.sub(_name_greek, _MU_OF_UNIT.sub("µ", text))
    text = "".join(_spell(character, wording) for character in unicodedata.normalize("NFC", text))
    for pattern, replacement in _rewrites(wording):
        text = pattern.sub(replacement, text)
    text = _EDGE_QUOTE.sub("", text.strip())
    text = " ".join(text.split())
    if text in {"-", "–"}:
        return "—"
    return "" if text == "#" else text
