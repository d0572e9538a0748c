"""Languages of Qwen3-TTS: BCP 47 tags outside, English names within."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from streaming.errors import LanguageNotSpoken
from streaming.speech.text.scripts import language_name, primary_subtag

LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "en": "english",
        "zh": "chinese",
        "de": "german",
        "es": "spanish",
        "fr": "french",
        "it": "italian",
        "ja": "japanese",
        "ko": "korean",
        "pt": "portuguese",
        "ru": "russian",
    }
)
"""Primary subtag and the model's name for it."""


def tags_of(names: Collection[str]) -> tuple[str, ...]:
    """The tags of a checkpoint's languages, English first; dialects, which no tag names, are left out."""
    return tuple(tag for tag, name in LANGUAGES.items() if name in names)


def name_in_model(tag: str, spoken: Collection[str]) -> str:
    """The model's name of a language.

    Args:
        tag: BCP 47.
        spoken: tags that the checkpoint speaks.

    Raises:
        LanguageNotSpoken: it does not.
    """
    primary = primary_subtag(tag)
    if primary not in spoken or primary not in LANGUAGES:
        known = ", ".join(language_name(known) for known in spoken)
        raise LanguageNotSpoken(f"Qwen3-TTS does not speak {language_name(tag)}. It speaks {known}.")
    return LANGUAGES[primary]
