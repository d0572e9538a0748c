"""The languages that Kokoro's voices speak, and what each needs to be read."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from streaming.errors import EngineUnavailable
from streaming.speech import espeak_library
from streaming.speech.reading import Reading
from streaming.speech.text.scripts import language_name, primary_subtag

Reader = Callable[[str], Reading]
"""Pronounces one clause of plain text."""
Alphabet = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class KokoroLanguage:
    """A language of Kokoro.

    Attributes:
        tag: its BCP 47 tag, with the region that the voices have.
        voice: the voice that speaks unless another is named.
        packages: Python packages that its reading needs, as they are imported.
        install: the command that brings them.
        spaced: whether words are written with spaces between them.
    """

    tag: str
    voice: str
    packages: tuple[str, ...] = ()
    install: str = ""
    spaced: bool = True

    @property
    def espeak(self) -> bool:
        """Whether it is read by eSpeak NG."""
        return self.tag in _ESPEAK_VOICES

    def missing(self) -> str:
        """The command that makes the language readable; empty when it is."""
        if self.espeak:
            return "" if espeak_library.find_library() else espeak_library.INSTALL
        absent = any(importlib.util.find_spec(name) is None for name in self.packages)
        return self.install if absent else ""


_ESPEAK_VOICES = {"es": "es", "fr-FR": "fr", "hi": "hi", "it": "it", "pt-BR": "pt-br"}

LANGUAGES: Mapping[str, KokoroLanguage] = MappingProxyType(
    {
        language.tag: language
        for language in (
            KokoroLanguage("en-US", "af_heart"),
            KokoroLanguage("en-GB", "bf_emma"),
            KokoroLanguage("es", "ef_dora"),
            KokoroLanguage("fr-FR", "ff_siwis"),
            KokoroLanguage("hi", "hf_alpha"),
            KokoroLanguage("it", "if_sara"),
            KokoroLanguage(
                "ja",
                "jf_alpha",
                ("pyopenjtalk", "jaconv"),
                'pip install "pyopenjtalk-plus==0.4.1.post10"',
                spaced=False,
            ),
            KokoroLanguage("pt-BR", "pf_dora"),
            KokoroLanguage(
                "zh",
                "zf_xiaoxiao",
                ("jieba", "pypinyin", "cn2an"),
                'pip install "jieba==0.42.1" "pypinyin==0.55.0" "cn2an==0.5.24"',
                spaced=False,
            ),
        )
    }
)


def find_language(tag: str) -> KokoroLanguage | None:
    """The language for a BCP 47 tag: the same region when Kokoro has it, else the language in any region."""
    wanted = tag.replace("_", "-").lower()
    for language in LANGUAGES.values():
        if language.tag.lower() == wanted:
            return language
    primary = primary_subtag(tag)
    return next((entry for entry in LANGUAGES.values() if primary_subtag(entry.tag) == primary), None)


def open_reader(language: KokoroLanguage, alphabet: Alphabet) -> Reader:
    """Load what reads the language.

    Args:
        language: one of :data:`LANGUAGES`.
        alphabet: the symbols of the network.

    Raises:
        EngineUnavailable: a package is missing; the message says how to install it.
    """
    command = language.missing()
    if command:
        raise EngineUnavailable(f"Kokoro needs more to read {language_name(language.tag)}: {command}")
    primary = primary_subtag(language.tag)
    if primary == "en":
        return _english(alphabet, british=language.tag == "en-GB")
    if primary == "ja":
        from streaming.speech.kokoro_japanese import read_japanese

        return partial(read_japanese, alphabet=alphabet)
    if primary == "zh":
        from streaming.speech import kokoro_chinese

        kokoro_chinese.load()
        english = _english(alphabet, british=False)
        return partial(
            kokoro_chinese.read_chinese, alphabet=alphabet, read_latin=lambda text: english(text).symbols
        )
    from streaming.speech.kokoro_espeak import read_with_espeak

    library = espeak_library.load_library()
    voice = _ESPEAK_VOICES[language.tag]
    return partial(read_with_espeak, alphabet=alphabet, pronounce=lambda text: library.phonemes(text, voice))


def _english(alphabet: Alphabet, *, british: bool) -> Reader:
    from hibari.g2p import G2P

    from streaming.speech.english import read_english

    g2p = G2P(british=british)
    return lambda text: read_english(g2p, text, alphabet)
