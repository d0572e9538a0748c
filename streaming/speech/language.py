"""Which language a text is in: by its letters, and where those are Latin, by py3langid.

py3langid (BSD, 4.5 MB) names 147 of 150 short sentences in English, French, Italian, Portuguese and Spanish
right, in 0.06 ms each; lingua (Apache-2.0, 96 MB) 145, counting frequent words and letters 142.
"""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING

from streaming.speech.text.scripts import LANGUAGE_OF_SCRIPT, LATIN, ScriptTally

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

INSTALL = 'pip install "py3langid==0.4.0"'
SHORTEST_LETTERS = 3
"""Fewer letters are no text that anything can be told from."""
CHANGE_WORDS = 2
"""A text in Latin letters with fewer words does not end a language that has other letters."""
UNLIKELY = 0.08
"""A text is in another language than the expected one when that is less likely than this.

With English expected, 3 of 120 short sentences in the other four languages pass for English, and 7 of 102
English ones that were chosen to mislead ("Piano solo", "Las Vegas, Nevada") for something else.
"""
RARE_LETTERS, RARE_LIKELIHOOD = 20, 0.98
"""The same for languages that only a makeshift voice speaks."""
_IDEOGRAPHIC = ("Han", "Kana")


def detect_language(
    text: str,
    candidates: Collection[str],
    *,
    expected: str | None = None,
    rare: Collection[str] = (),
) -> str | None:
    """The language that most of a text is in.

    Args:
        text: a sentence or more.
        candidates: primary subtags (``en``, ``es``) that texts in Latin letters may be in.
        expected: what it is in unless there is good reason to believe otherwise; usually the language of the
            sentence before.
        rare: candidates that need better evidence than others.

    Returns:
        A primary subtag. For letters that are not Latin it may be none of ``candidates``. ``None`` when the
        text does not say.
    """
    tally = ScriptTally()
    tally.add(text)
    if tally.weights.total() < SHORTEST_LETTERS:
        return None
    script, _ = _families(tally).most_common(1)[0]
    if script == LATIN:
        return _latin(text, tally.weights[LATIN], candidates, expected, rare)
    if script in _IDEOGRAPHIC:
        # Japanese mixes both scripts; Chinese has no kana.
        return "ja" if tally.weights["Kana"] or expected == "ja" else "zh"
    language = LANGUAGE_OF_SCRIPT[script]
    return expected if expected in _SHARED.get(script, ()) else language


TELLING_LETTERS = 25
"""In texts up to this long, words that only one language has say more than the frequency of letters."""
_TELLING = {
    word: language
    for language, words in {
        "en": "hello hi hey thanks thank please yes sorry welcome goodbye bye the this what you is are and",
        "es": "hola gracias adiós buenos buenas días tardes perdón vale qué cómo estás usted muy amigos",
        "fr": "bonjour bonsoir salut merci oui au revoir les vous je est très pardon monsieur madame",
        "it": "ciao buongiorno buonasera grazie prego scusi arrivederci stai che gli sono perché amici",
        "pt": "olá oi obrigado obrigada bom boa dia tarde noite tchau até você não sim os muito",
    }.items()
    for word in words.split()
}
"""Words of greetings and the like, each listed for the one language that it points to."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_OTHER_LETTERS = frozenset(LANGUAGE_OF_SCRIPT.values()) - {"en"}
"""Languages that are not written in Latin letters."""
_SHARED = {
    "Cyrillic": ("ru", "uk", "bg", "sr", "mk", "be", "kk"),
    "Arabic": ("ar", "fa", "ur"),
    "Devanagari": ("hi", "mr", "ne"),
}
"""Languages that share a script, the most frequent first."""


def _families(tally: ScriptTally) -> Counter[str]:
    """Weights with Han and kana counted together, as Japanese is written."""
    weights = Counter(tally.weights)
    weights["Han"] += weights.pop("Kana", 0)
    return weights


def _latin(
    text: str, letters: int, candidates: Collection[str], expected: str | None, rare: Collection[str]
) -> str | None:
    possible = frozenset(candidates) - _OTHER_LETTERS
    common = possible - frozenset(rare)
    words = _WORD.findall(text.lower())
    if expected in _OTHER_LETTERS:
        # A name or two inside of Japanese is Japanese still.
        if len(words) < CHANGE_WORDS:
            return expected
        expected = None
    if len(possible) == 1:
        return next(iter(possible))
    if importlib.util.find_spec("py3langid") is None:
        return expected or ("en" if "en" in common else None)
    if common < possible and letters >= RARE_LETTERS:
        likelihoods = _likelihoods(text, possible)
        language = max(likelihoods, key=likelihoods.__getitem__)
        if language in rare and likelihoods[language] >= RARE_LIKELIHOOD:
            return language
    if not common:
        return expected
    if letters < TELLING_LETTERS:
        told = _told(words, common)
        if told is not None:
            return told
    likelihoods = _likelihoods(text, common)
    if likelihoods.get(expected or "", 0.0) >= UNLIKELY:
        return expected
    return max(likelihoods, key=likelihoods.__getitem__)


def _told(words: Collection[str], languages: frozenset[str]) -> str | None:
    """The one language whose telling words are the most in a short text."""
    counts = Counter(_TELLING[word] for word in words if _TELLING.get(word) in languages).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def load() -> None:
    """Load py3langid, 0.3 s, so that the first text need not wait; nothing where it is not installed."""
    if importlib.util.find_spec("py3langid") is not None:
        _identifier()


def _likelihoods(text: str, languages: frozenset[str]) -> dict[str, float]:
    """How likely each of the languages is, when it is one of them."""
    ranked = _identifier().rank(text.lower() if text.isupper() else text)
    shares = {str(language): float(share) for language, share in ranked if language in languages}
    whole = sum(shares.values())
    if not whole:
        return dict.fromkeys(languages, 1 / len(languages))
    return {language: share / whole for language, share in shares.items()}


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
