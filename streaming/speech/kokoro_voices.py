"""Which of Kokoro's voices can speak, which one a request gets, and what is missing for the others."""

from __future__ import annotations

from pathlib import Path

from streaming.errors import EngineUnavailable, LanguageNotSpoken, LipstreamError, VoiceNotFound
from streaming.speech.base import EngineStatus, SpeechRequest, VoiceInfo
from streaming.speech.kokoro_files import INSTALL, INSTALL_VOICES, find_voice, find_voices, missing_packages
from streaming.speech.kokoro_languages import LANGUAGES, find_language
from streaming.speech.text.scripts import language_name, primary_subtag

NAME = "kokoro"


def ready_voices(data_dir: Path) -> tuple[VoiceInfo, ...]:
    """Voices that lie here and whose language can be read, each language's default voice first."""
    readable = {tag for tag, language in LANGUAGES.items() if not language.missing()}
    order = list(LANGUAGES)
    voices = [voice for voice in find_voices(data_dir) if voice.language in readable]
    voices.sort(key=lambda v: (order.index(v.language), v.name != LANGUAGES[v.language].voice, v.name))
    return tuple(
        VoiceInfo(voice.name, NAME, (voice.language,), f"{full_name(voice.language)}, {voice.description}")
        for voice in voices
    )


def choose_voice(request: SpeechRequest, voices: tuple[VoiceInfo, ...], data_dir: Path) -> VoiceInfo:
    """The voice for a request: the one it names, else the default one of its language, else the first.

    Raises:
        VoiceNotFound: the named voice is not here.
        EngineUnavailable: it is here, but its language cannot be read.
        LanguageNotSpoken: the voice does not speak the language, or no voice does.
    """
    if request.voice is None:
        return _voice_for(request.language, voices)
    voice = next((voice for voice in voices if voice.name == request.voice), None)
    if voice is None:
        raise _missing_voice(request.voice, voices, data_dir)
    tag = voice.languages[0]
    if request.language and primary_subtag(request.language) != primary_subtag(tag):
        raise other_language(voice, request.language)
    return voice


def other_language(voice: VoiceInfo, language: str) -> LanguageNotSpoken:
    """The refusal of a language that is not the voice's."""
    return LanguageNotSpoken(
        f"The voice '{voice.name}' speaks {language_name(voice.languages[0])}, not "
        f"{language_name(language)}. Name no voice, or one that speaks it: `lipstream voice list`."
    )


def status(data_dir: Path | None) -> EngineStatus:
    """What ``doctor`` says about this engine."""
    data_dir = data_dir or Path()
    if missing_packages():
        absent = ", ".join(name.replace("_", "-") for name in missing_packages())
        return EngineStatus(NAME, "speech", False, f"not installed: {absent}", INSTALL)
    voices = ready_voices(data_dir)
    if not voices:
        return EngineStatus(NAME, "speech", False, "no voice can be read", _what_helps(data_dir))
    spoken = dict.fromkeys(voice.languages[0] for voice in voices)
    names = ", ".join(full_name(tag) for tag in spoken)
    lacking = [full_name(tag) for tag in LANGUAGES if tag not in spoken]
    detail = f"{len(voices)} voices on the CPU: {names}"
    if lacking:
        detail += f"; not yet: {', '.join(lacking)}"
    return EngineStatus(NAME, "speech", True, detail, _what_helps(data_dir), voices)


def nothing_to_read(data_dir: Path) -> EngineUnavailable:
    """The refusal when not one voice can speak."""
    return EngineUnavailable(f"Kokoro has no voice that it can read text for: {_what_helps(data_dir)}")


def full_name(tag: str) -> str:
    """The English name of a language of Kokoro, with its region where there are two."""
    return {"en-US": "American English", "en-GB": "British English", "pt-BR": "Brazilian Portuguese"}.get(
        tag, language_name(tag)
    )


def _what_helps(data_dir: Path) -> str:
    """The commands that bring the languages which are lacking."""
    here = {voice.language for voice in find_voices(data_dir)}
    commands = [language.missing() for tag, language in LANGUAGES.items() if tag in here or tag == "ja"]
    if len(here) < len(LANGUAGES):
        commands = [INSTALL_VOICES, *(language.missing() for language in LANGUAGES.values())]
    return "; ".join(dict.fromkeys(filter(None, commands)))


def _voice_for(wanted: str | None, voices: tuple[VoiceInfo, ...]) -> VoiceInfo:
    if not wanted:
        return voices[0]
    language = find_language(wanted)
    if language is None:
        spoken = ", ".join(dict.fromkeys(language_name(voice.languages[0]) for voice in voices))
        raise LanguageNotSpoken(
            f"No installed voice speaks {language_name(wanted)}. Kokoro speaks here: {spoken}."
        )
    primary = primary_subtag(wanted)
    exact = (voice for voice in voices if voice.languages[0] == language.tag)
    near = (voice for voice in voices if primary_subtag(voice.languages[0]) == primary)
    voice = next(exact, None) or next(near, None)
    if voice is None:
        command = language.missing() or INSTALL_VOICES
        raise LanguageNotSpoken(f"Kokoro can speak {language_name(wanted)} once this is done: {command}")
    return voice


def _missing_voice(name: str, voices: tuple[VoiceInfo, ...], data_dir: Path) -> LipstreamError:
    try:
        tag = find_voice(data_dir, name).language
    except VoiceNotFound:
        names = ", ".join(voice.name for voice in voices)
        return VoiceNotFound(
            f"There is no voice '{name}' here. Voices that are ready: {names}. "
            f"All of Kokoro's voices: {INSTALL_VOICES}"
        )
    return EngineUnavailable(
        f"The voice '{name}' needs more to read {language_name(tag)}: {LANGUAGES[tag].missing()}"
    )
