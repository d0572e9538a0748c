"""The speech engine for what no other engine speaks: eSpeak NG. It sounds like a robot, in many languages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import numpy as np
from scipy.signal import resample_poly

from streaming.errors import (
    EngineFailed,
    EngineUnavailable,
    LanguageNotSpoken,
    LipstreamError,
    ScriptRejected,
    VoiceNotFound,
)
from streaming.speech.base import EngineStatus, SpeechChunk, SpeechRequest, VoiceInfo
from streaming.speech.chunk import cut_to_size
from streaming.speech.espeak_library import INSTALL, PHONEME, WORD, PlainSpeech, find_library, load_library
from streaming.speech.symbol_timing import PAUSE, Sound
from streaming.speech.text.clauses import Clause, ClauseSplitter, Ending, clauses_of
from streaming.speech.text.scripts import LANGUAGE_NAMES, language_name, primary_subtag
from streaming.speech.text.wording import ANY
from streaming.timing import SPEECH_RATE

NAME = "espeak"
SPEEDS = (0.5, 2.0)
WORDS_PER_MINUTE = 160
VOICES = {
    **{tag: tag for tag in sorted(LANGUAGE_NAMES) if tag not in ("en", "zh")},
    "en": "en-us",
    "zh": "cmn",
}
"""eSpeak NG's own name of the voice for each language that is offered."""
GAIN = 0.6
"""eSpeak NG is louder than the other voices."""
PAUSE_SECONDS = {
    Ending.CUT: 0.04,
    Ending.COMMA: 0.20,
    Ending.DASH: 0.20,
    Ending.COLON: 0.28,
    Ending.SENTENCE: 0.38,
    Ending.PARAGRAPH: 0.60,
}
_STRESS = {"ˈ": 1.0, "ˌ": 0.5}
_JOINED = {
    "tʃ": "ʧ",
    "dʒ": "ʤ",
    "ts": "ʦ",
    "dz": "ʣ",
    "tɕ": "ʨ",
    "dʑ": "ʥ",
    "aɪ": "I",
    "eɪ": "A",
    "aʊ": "W",
    "oʊ": "O",
    "əʊ": "Q",
    "ɔɪ": "Y",
}
_DROPPED = str.maketrans("", "", "ˈˌː-ʰʲ|'")


class EspeakEngine:
    """Speaks plainly and at once, with the timing of its sounds.

    Raises:
        EngineUnavailable: eSpeak NG is not installed.
    """

    name = NAME

    def __init__(self) -> None:
        if find_library() is None:
            raise EngineUnavailable(f"The speech engine 'espeak' needs eSpeak NG: {INSTALL}")
        # One worker: the library holds one state for the whole process.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=NAME)

    def voices(self) -> tuple[VoiceInfo, ...]:
        """One voice for each language."""
        return _voices()

    def check(self, request: SpeechRequest) -> None:
        """Refuse a request that cannot be spoken whatever its text is.

        Raises:
            VoiceNotFound: the voice is none of :meth:`voices`.
            LanguageNotSpoken: the language is none of theirs, or none is named.
            ScriptRejected: the speed is out of range.
        """
        self._language(request)
        if not SPEEDS[0] <= request.speed <= SPEEDS[1]:
            raise ScriptRejected(
                f"The speed must lie between {SPEEDS[0]} and {SPEEDS[1]}, not {request.speed:g}."
            )

    async def warm_up(self) -> None:
        """Load the library."""
        await asyncio.get_running_loop().run_in_executor(self._executor, load_library)

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak; one chunk per clause. See :class:`streaming.speech.base.SpeechEngine`."""
        self.check(request)
        voice = VOICES[self._language(request)]
        splitter = ClauseSplitter(ANY)
        spoken = False
        async with aclosing(clauses_of(request.text, splitter)) as clauses:
            async for clause in clauses:
                speech = await self._say(clause, voice, request.speed)
                chunk = _chunk(speech, clause, request.speed, splitter.script)
                if chunk is None:
                    continue
                if not spoken and request.on_engine is not None:
                    request.on_engine(self.name)
                spoken = True
                yield chunk
        if not spoken:
            raise ScriptRejected("The text holds nothing that can be spoken. Send at least one word.")

    async def _say(self, clause: Clause, voice: str, speed: float) -> PlainSpeech:
        cancelled = threading.Event()
        rate = round(WORDS_PER_MINUTE * speed)
        work = asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: load_library().speak(clause.text, voice, rate, cancelled.is_set)
        )
        try:
            return await work
        except asyncio.CancelledError:
            cancelled.set()
            raise
        except LipstreamError:
            raise
        except Exception as error:
            raise EngineFailed(
                f"The speech engine 'espeak' failed: {error or type(error).__name__}."
            ) from error

    @staticmethod
    def _language(request: SpeechRequest) -> str:
        if request.voice is not None:
            language = request.voice.removeprefix(f"{NAME}-")
            if language == request.voice or language not in VOICES:
                raise VoiceNotFound(f"eSpeak NG has no voice '{request.voice}'. Its voices: {_names()}.")
            if request.language and primary_subtag(request.language) != language:
                raise LanguageNotSpoken(
                    f"The voice '{request.voice}' speaks {language_name(language)}, not "
                    f"{language_name(request.language)}."
                )
            return language
        if not request.language:
            raise LanguageNotSpoken("eSpeak NG has to be told the language. Name it, or one of its voices.")
        language = primary_subtag(request.language)
        if language not in VOICES:
            raise LanguageNotSpoken(f"No installed voice speaks {language_name(request.language)}.")
        return language


def status() -> EngineStatus:
    """What ``doctor`` says about this engine."""
    if find_library() is None:
        return EngineStatus(NAME, "speech", False, "eSpeak NG is not installed", INSTALL)
    detail = f"{len(VOICES)} languages, robotic: the last resort (GPL-3.0-or-later)"
    return EngineStatus(NAME, "speech", True, detail, voices=_voices())


def _voices() -> tuple[VoiceInfo, ...]:
    return tuple(
        VoiceInfo(f"{NAME}-{tag}", NAME, (tag,), f"{language_name(tag)}, robotic") for tag in sorted(VOICES)
    )


def _names() -> str:
    return ", ".join(f"{NAME}-{tag}" for tag in sorted(VOICES))


def _chunk(speech: PlainSpeech, clause: Clause, speed: float, script: str) -> SpeechChunk | None:
    sounds = _sounds(speech, clause)
    if all(sound.symbol == PAUSE for sound in sounds):
        return None
    pcm = speech.pcm.astype(np.float32) * np.float32(GAIN / 32768)
    if speech.rate != SPEECH_RATE:
        pcm = np.asarray(resample_poly(pcm, SPEECH_RATE // 150, speech.rate // 150), np.float32)
    return cut_to_size(
        sounds,
        pcm,
        pause=PAUSE_SECONDS[clause.ending] / speed,
        spans=[(token.begin, token.stop) for token in clause.tokens],
        script=script,
        final=clause.ending is not Ending.CUT,
    )


def _sounds(speech: PlainSpeech, clause: Clause) -> list[Sound]:
    """The phonemes between one event and the next, each counted to the token it was written in."""
    total = len(speech.pcm) / speech.rate
    starts = _token_starts(clause)
    sounds: list[Sound] = []
    word = 0
    for event in speech.events:
        if event.kind == WORD:
            word = max(word, _token_at(starts, event.position))
        elif event.kind == PHONEME:
            at = min(event.sample / speech.rate, total)
            if sounds:
                sounds[-1].end = at
            symbol, stress = _spelled(event.symbol)
            sounds.append(Sound(symbol, at, total, stress, -1 if symbol == PAUSE else word))
    return _merged([sound for sound in sounds if sound.end > sound.start], total)


def _merged(sounds: list[Sound], total: float) -> list[Sound]:
    """Pauses in a row become one; the whole length is covered."""
    merged: list[Sound] = []
    if not sounds or sounds[0].start > 0.0:
        sounds = [Sound(PAUSE, 0.0, sounds[0].start if sounds else total, 0.0, -1), *sounds]
    for sound in sounds:
        if merged and sound.symbol == PAUSE == merged[-1].symbol:
            merged[-1].end = sound.end
        else:
            merged.append(sound)
    merged[-1].end = total
    return merged


def _spelled(mnemonic: str) -> tuple[str, float]:
    """The symbol of misaki's alphabet, or a pause, and the stress."""
    stress = max((_STRESS.get(mark, 0.0) for mark in mnemonic), default=0.0)
    letters = mnemonic.translate(_DROPPED)
    return _JOINED.get(letters, letters) or PAUSE, stress


def _token_starts(clause: Clause) -> list[int]:
    starts: list[int] = []
    at = 0
    for token in clause.tokens:
        starts.append(at)
        at += len(token.spoken) + 1
    return starts


def _token_at(starts: Sequence[int], position: int) -> int:
    return max(0, int(np.searchsorted(starts, position, side="right")) - 1)
