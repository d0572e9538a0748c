"""Which writing systems a text uses, so that a voice can say early that it does not speak them.

Ranges follow Unicode blocks (https://www.unicode.org/Public/UNIDATA/Blocks.txt). A script is not a language,
but for a message to a person it is near enough.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable

LATIN = "Latin"

_BLOCKS: tuple[tuple[int, int, str], ...] = (
    (0x0041, 0x024F, LATIN),
    (0x0250, 0x02AF, LATIN),
    (0x0370, 0x03FF, "Greek"),
    (0x0400, 0x052F, "Cyrillic"),
    (0x0530, 0x058F, "Armenian"),
    (0x0590, 0x05FF, "Hebrew"),
    (0x0600, 0x077F, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "Bengali"),
    (0x0B80, 0x0BFF, "Tamil"),
    (0x0C00, 0x0C7F, "Telugu"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x10A0, 0x10FF, "Georgian"),
    (0x1100, 0x11FF, "Hangul"),
    (0x1E00, 0x1EFF, LATIN),
    (0x1F00, 0x1FFF, "Greek"),
    (0x3040, 0x30FF, "Kana"),
    (0x3130, 0x318F, "Hangul"),
    (0x31F0, 0x31FF, "Kana"),
    (0x3400, 0x4DBF, "Han"),
    (0x4E00, 0x9FFF, "Han"),
    (0xAC00, 0xD7AF, "Hangul"),
    (0xF900, 0xFAFF, "Han"),
    (0xFB50, 0xFDFF, "Arabic"),
    (0xFE70, 0xFEFF, "Arabic"),
    (0xFF21, 0xFF5A, LATIN),
    (0xFF66, 0xFF9D, "Kana"),
    (0x20000, 0x323AF, "Han"),
)
_STARTS = [block[0] for block in _BLOCKS]

LANGUAGE_OF_SCRIPT = {
    LATIN: "en",
    "Greek": "el",
    "Cyrillic": "ru",
    "Armenian": "hy",
    "Hebrew": "he",
    "Arabic": "ar",
    "Devanagari": "hi",
    "Bengali": "bn",
    "Tamil": "ta",
    "Telugu": "te",
    "Thai": "th",
    "Georgian": "ka",
    "Hangul": "ko",
    "Kana": "ja",
    "Han": "zh",
}
"""The language that a script most often writes, as a BCP 47 subtag."""

LANGUAGE_NAMES = {
    "ar": "Arabic",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "hy": "Armenian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ka": "Georgian",
    "ko": "Korean",
    "nb": "Norwegian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sv": "Swedish",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}

_LETTER_WEIGHT = {"Han": 3, "Kana": 2, "Hangul": 3}
"""One such character says about as much as this many letters of an alphabet."""


def script_of(character: str) -> str | None:
    """The script of a letter, or ``None`` for anything that is no letter or of an unlisted script."""
    return block_of(character) if character.isalpha() else None


def block_of(character: str) -> str | None:
    """The script in whose block a character stands, letter or not; ``None`` for an unlisted one."""
    code = ord(character)
    i = bisect.bisect_right(_STARTS, code) - 1
    if i >= 0 and code <= _BLOCKS[i][1]:
        return _BLOCKS[i][2]
    return None


def primary_subtag(tag: str) -> str:
    """``en`` of ``en-US``, ``EN_us`` or ``en``."""
    return tag.replace("_", "-").split("-", 1)[0].strip().lower()


def language_name(tag: str) -> str:
    """The English name of a language tag; the tag itself when it is not a common one."""
    return LANGUAGE_NAMES.get(primary_subtag(tag), f"the language '{tag}'")


class ScriptTally:
    """Counts the letters of a text by script as the text arrives."""

    def __init__(self) -> None:
        self.weights: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """Count the letters of the next piece."""
        for character in text:
            script = script_of(character)
            if script is not None:
                self.weights[script] += _LETTER_WEIGHT.get(script, 1)

    def foreign_language(self, spoken_scripts: Iterable[str]) -> str | None:
        """The language that most of the text is written in, when that is none of ``spoken_scripts``.

        Returns:
            A BCP 47 subtag, or ``None`` while at least half of the letters can be spoken.
        """
        spoken = set(spoken_scripts)
        foreign = Counter({s: n for s, n in self.weights.items() if s not in spoken})
        if foreign.total() <= self.weights.total() / 2:
            return None
        # Japanese mixes both scripts; any share of kana tells it from Chinese.
        if foreign["Kana"]:
            return "ja"
        return LANGUAGE_OF_SCRIPT[foreign.most_common(1)[0][0]]
