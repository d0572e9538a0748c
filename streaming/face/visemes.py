"""What the mouth does for each speech sound: aperture 0..1 and width -1 (round) .. +1 (spread).

Symbols are IPA as misaki writes it: capitals are diphthongs, the flap and the long s, affricates are single
letters. Values were tuned by eye on the mouth atlas. Sounds of other languages take the values of their
nearest English neighbour, unless the lips do something of their own.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

APERTURE_GAIN = 0.88
"""Overall opening of the mouth; 1 looks like shouting."""
STRESSED = 1.12
UNSTRESSED = 0.88
"""How far vowels open with primary and without stress; secondary stress opens them as listed."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """A target of the mouth and how much say it has against its neighbours (0 none .. 1.6 much)."""

    aperture: float
    width: float
    aperture_weight: float = 1.0
    width_weight: float = 1.0


def _vowel(aperture: float, width: float, width_weight: float = 1.0) -> Viseme:
    return Viseme(aperture, width, 1.0, width_weight)


WEAK_WIDTH = 0.3
VOWELS: dict[str, Viseme] = {
    "i": _vowel(0.25, 0.90),
    "ɪ": _vowel(0.30, 0.45),
    "ᵻ": _vowel(0.29, 0.30),
    "e": _vowel(0.40, 0.50),
    "ɛ": _vowel(0.46, 0.40),
    "æ": _vowel(0.70, 0.35),
    "a": _vowel(0.75, 0.10),
    "ɑ": _vowel(0.82, -0.05),
    "ɒ": _vowel(0.70, -0.30),
    "ʌ": _vowel(0.50, 0.05),
    "ə": _vowel(0.30, 0.0, WEAK_WIDTH),
    "ᵊ": _vowel(0.25, 0.0, WEAK_WIDTH),
    "ɐ": _vowel(0.34, 0.0, WEAK_WIDTH),
    "ɜ": _vowel(0.36, -0.35),
    "ɚ": _vowel(0.30, -0.30),
    "ɔ": _vowel(0.56, -0.60),
    "o": _vowel(0.50, -0.70),
    "ʊ": _vowel(0.30, -0.60),
    "u": _vowel(0.28, -0.92),
    "y": _vowel(0.26, -0.85),
    "ø": _vowel(0.38, -0.65),
    "œ": _vowel(0.48, -0.50),
    "ɨ": _vowel(0.27, 0.35),
    # Japanese lips come together for it without being pushed forward.
    "ɯ": _vowel(0.26, -0.15),
    "ɤ": _vowel(0.40, 0.10),
    "ɝ": _vowel(0.36, -0.35),
    "ɘ": _vowel(0.32, 0.10),
    "ʏ": _vowel(0.28, -0.60),
    "ɵ": _vowel(0.34, -0.55),
    "ʉ": _vowel(0.27, -0.80),
    # French nasal vowels are other vowels to the lips than the letters they are written with.
    "ɛ̃": _vowel(0.54, 0.25),
    "ɑ̃": _vowel(0.62, -0.35),
    "ɔ̃": _vowel(0.38, -0.80),
    "œ̃": _vowel(0.48, -0.20),
}

DIPHTHONGS: dict[str, tuple[str, str]] = {
    "A": ("e", "i"),
    "I": ("ɑ", "i"),
    "O": ("ɔ", "u"),
    "Q": ("ɐ", "u"),
    "W": ("ɑ", "u"),
    "Y": ("ɔ", "i"),
}
DIPHTHONG_SPLIT = 0.55
"""Share of a diphthong's time that its first vowel takes."""
GLIDE = 0.95
"""How far the second vowel of a diphthong opens."""

_STRONG = 1.6
_PLAIN = 0.55
_WEAK = 0.12


def _consonant(aperture: float, width: float, width_weight: float = _PLAIN) -> Viseme:
    return Viseme(aperture, width, 1.0, width_weight)


_STOP = _consonant(0.18, 0.25)
_DENTAL = _consonant(0.20, 0.10)
_SIBILANT = _consonant(0.16, 0.40)
_HUSH = _consonant(0.22, -0.50, _STRONG)
_RETROFLEX_HUSH = _consonant(0.20, -0.25)
_AFFRICATE = _consonant(0.20, -0.45, _STRONG)
_BACK = _consonant(0.26, 0.10, _WEAK)
_SHUT = _consonant(0.0, 0.0, _WEAK)
_BITE = _consonant(0.05, 0.05)
_BREATH = Viseme(0.30, 0.0, _WEAK, _WEAK)

CONSONANTS: dict[str, Viseme] = {
    **dict.fromkeys("pbm", _SHUT),
    **dict.fromkeys("fvʋ", _BITE),
    **dict.fromkeys("θð", _DENTAL),
    **dict.fromkeys("td", _STOP),
    **dict.fromkeys("ʈɖ", _consonant(0.22, 0.10)),
    **dict.fromkeys("nɲɳ", _consonant(0.20, 0.25)),
    **dict.fromkeys("lɫɭ", _consonant(0.26, 0.20)),
    "ʎ": _consonant(0.26, 0.30),
    **dict.fromkeys("szʦʣS", _SIBILANT),
    **dict.fromkeys("Tɾrɽɺ", _consonant(0.22, 0.20)),
    **dict.fromkeys("ʃʒ", _HUSH),
    **dict.fromkeys("ʂʐꭧ", _RETROFLEX_HUSH),
    **dict.fromkeys("ʧʤ", _AFFRICATE),
    **dict.fromkeys("ɕʑʥʨçʝ", _consonant(0.20, 0.35)),
    **dict.fromkeys("kɡgŋɴqɢɣɰxχʁʀ", _BACK),
    **dict.fromkeys("ɹɻ", _consonant(0.22, -0.40, _STRONG)),
    "w": _consonant(0.14, -1.0, _STRONG),
    "ɥ": _consonant(0.16, -0.70, _STRONG),
    # Lips that come near each other and blow, but do not shut: Spanish "haba", Japanese "fu".
    "β": Viseme(0.05, 0.0, _STRONG, _WEAK),
    "ɸ": Viseme(0.08, -0.35, _STRONG, _PLAIN),
    **dict.fromkeys("jcɟ", _consonant(0.22, 0.55)),
    **dict.fromkeys("hɦħʕʔ", _BREATH),
}

UNKNOWN = Viseme(0.28, 0.0, 0.5, _WEAK)
"""For a symbol in neither table: a little open, and easily overruled."""

PRESSED = frozenset("pbm")
BITTEN = frozenset("fvʋ")
TONGUED = frozenset("θðl")
PAUSE = "_"
MARK = ""
"""Stands for what is no sound of its own: length, stress, tone."""
_INTONATION = frozenset("→↓↗↘")
_MARK_KINDS = frozenset({"Mn", "Mc", "Lm", "Sk", "Nd"})


@lru_cache(maxsize=1024)
def letter(symbol: str) -> str:
    """The symbol of these tables that ``symbol`` looks like on the lips.

    Marks (``ʰ ʲ ː ˈ``, nasality, tones) are left out where the tables do not name the marked sound; of
    several letters, as in ``tʃ``, the last one counts. Space and punctuation are a pause.

    Returns:
        A key of :data:`VOWELS`, :data:`DIPHTHONGS` or :data:`CONSONANTS`, :data:`PAUSE`, :data:`MARK` when
        the symbol holds marks only, or the symbol itself when nobody knows it.
    """
    if symbol == PAUSE or _listed(symbol):
        return symbol
    apart = unicodedata.normalize("NFD", symbol)
    if _listed(apart):
        return apart
    kinds = {each: unicodedata.category(each) for each in apart}
    letters = [c for c in apart if _listed(c) or (c not in _INTONATION and kinds[c] not in _MARK_KINDS)]
    if not letters:
        return MARK
    if all(kinds[each][0] in "PZ" for each in letters):
        return PAUSE
    return next((each for each in reversed(letters) if _listed(each)), symbol)


def _listed(symbol: str) -> bool:
    return symbol in VOWELS or symbol in DIPHTHONGS or symbol in CONSONANTS
