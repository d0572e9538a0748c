"""The embedded speech engine: hibari-tts, English, on one thread of a CPU, with exact timing.

Weights of the default voice come inside the ``hibari-tts`` wheel. hibari's other voices are offered once
their weights are in its cache; nothing is downloaded here.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING

import numpy as np

from streaming.errors import EngineFailed, EngineUnavailable, LanguageNotSpoken, ScriptRejected, VoiceNotFound
from streaming.speech.base import EngineStatus, SpeechChunk, SpeechRequest, VoiceInfo
from streaming.speech.chunk import cut_to_size
from streaming.speech.hibari_phrasing import render_unfinished
from streaming.speech.hibari_timing import PAUSE
from streaming.speech.text.alignment import align
from streaming.speech.text.clauses import Clause, ClauseSplitter, Ending, clauses_of
from streaming.speech.text.scripts import LATIN, ScriptTally, language_name, primary_subtag

if TYPE_CHECKING:
    from streaming.speech.hibari_model import HibariModel

INSTALL = 'pip install "hibari-tts==0.2.1"'
DEFAULT_VOICE = "heart"
SPEEDS = (0.5, 2.0)

PAUSE_SECONDS = {
    Ending.CUT: 0.04,
    Ending.COMMA: 0.24,
    Ending.DASH: 0.24,
    Ending.COLON: 0.34,
    Ending.SENTENCE: 0.38,
    Ending.PARAGRAPH: 0.60,
}
"""Silence after a clause at speed 1, to which the lead of the next one come. hibari pauses 0.36 s
at commas and 0.39 s at colons inside a sentence (medians; a quarter of the commas get 0.26 s or less); at the
end of what it is given it always renders about 450 ms."""
UNFINISHED = frozenset({Ending.CUT, Ending.COMMA, Ending.DASH, Ending.COLON})
"""After these the sentence goes on."""


class HibariEngine:
    """Speaks English clause by clause; the first sound of a short clause takes some 10 ms.

    Raises:
        EngineUnavailable: ``hibari-tts`` is not installed.
    """

    name = "hibari"

    def __init__(self) -> None:
        if importlib.util.find_spec("hibari") is None:
            raise EngineUnavailable(f"The speech engine 'hibari' needs the package hibari-tts: {INSTALL}")
        self._models: dict[str, HibariModel] = {}
        # One worker: the models are not thread-safe, and two clauses at once would only delay each other.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="hibari")

    def voices(self) -> tuple[VoiceInfo, ...]:
        """Voices whose weights are on this machine, the default first."""
        return _ready_voices()

    def check(self, request: SpeechRequest) -> None:
        """Refuse a request that cannot be spoken whatever its text is.

        Raises:
            VoiceNotFound: the voice is not one of :meth:`voices`.
            LanguageNotSpoken: the language is not English.
            ScriptRejected: the speed is out of range.
        """
        voices = self.voices()
        if request.voice is not None and request.voice not in {voice.name for voice in voices}:
            names = ", ".join(voice.name for voice in voices)
            raise VoiceNotFound(f"There is no voice '{request.voice}' here. Voices that are ready: {names}.")
        if request.language and primary_subtag(request.language) != "en":
            raise _not_spoken(request.language)
        if not SPEEDS[0] <= request.speed <= SPEEDS[1]:
            raise ScriptRejected(
                f"The speed must lie between {SPEEDS[0]} and {SPEEDS[1]}, not {request.speed:g}."
            )

    async def warm_up(self) -> None:
        """Load the default voice and speak once."""
        splitter = ClauseSplitter()
        clauses = splitter.feed("Ready, zxqy.") + splitter.flush()
        for clause in clauses:
            await self._in_worker(clause, splitter.script, DEFAULT_VOICE, SpeechRequest(_nothing()))

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak; one chunk per clause. See :class:`streaming.speech.base.SpeechEngine`."""
        self.check(request)
        voice = self._choose_voice(request)
        splitter, tally = ClauseSplitter(), ScriptTally()
        spoken = False
        async with aclosing(clauses_of(request.text, splitter, tally.add)) as clauses:
            async for clause in clauses:
                foreign = tally.foreign_language({LATIN})
                if foreign:
                    raise _not_spoken(foreign)
                chunk = await self._in_worker(clause, splitter.script, voice, request)
                if chunk is None:
                    continue
                if not spoken and request.on_engine is not None:
                    request.on_engine(self.name)
                spoken = True
                yield chunk
        if not spoken:
            raise ScriptRejected("The text holds nothing that can be spoken. Send at least one word.")

    def _choose_voice(self, request: SpeechRequest) -> str:
        if request.voice is not None:
            return request.voice
        wanted = (request.language or "").replace("_", "-").lower()
        matching = (v.name for v in self.voices() if wanted in {tag.lower() for tag in v.languages})
        return next(matching, DEFAULT_VOICE)

    async def _in_worker(
        self, clause: Clause, script: str, voice: str, request: SpeechRequest
    ) -> SpeechChunk | None:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._executor, self._speak, clause, script, voice, request.speed, request.seed
            )
        except Exception as error:
            raise EngineFailed(
                f"The speech engine 'hibari' failed at '{clause.text[:40]}': {error}"
            ) from error

    def _speak(self, clause: Clause, script: str, voice: str, speed: float, seed: int) -> SpeechChunk | None:
        """One clause as a chunk, or ``None`` when nothing in it makes a sound. Runs in the worker."""
        model = self._model(voice)
        reading = model.read(clause.text)
        if not any(symbol.isalpha() for symbol in reading.symbols):
            return None

        def noise() -> np.random.Generator:
            # Each clause has noise of its own, and the same noise in every repetition.
            return np.random.default_rng((seed & 0xFFFF_FFFF_FFFF_FFFF, clause.index))

        utterance = None
        if clause.ending in UNFINISHED:
            utterance = render_unfinished(model, reading, speed, noise())
        utterance = utterance or model.render(reading, speed, noise())
        if all(sound.symbol == PAUSE for sound in utterance.sounds):
            return None
        return cut_to_size(
            utterance.sounds,
            utterance.pcm,
            pause=PAUSE_SECONDS[clause.ending] / speed,
            spans=align(clause.tokens, reading.words),
            script=script,
            final=clause.ending is not Ending.CUT,
        )

    def _model(self, voice: str) -> HibariModel:
        model = self._models.get(voice)
        if model is None:
            from streaming.speech.hibari_model import HibariModel

            model = self._models[voice] = HibariModel(voice)
        return model


def status() -> EngineStatus:
    """What ``doctor`` says about this engine."""
    if importlib.util.find_spec("hibari") is None:
        return EngineStatus("hibari", "speech", False, "the package hibari-tts is not installed", INSTALL)
    voices = _ready_voices()
    names = ", ".join(voice.name for voice in voices)
    return EngineStatus("hibari", "speech", True, f"English on the CPU; voices: {names}", voices=voices)


def _ready_voices() -> tuple[VoiceInfo, ...]:
    from hibari.voices import VOICES, voice_path

    ready: list[VoiceInfo] = []
    for name, facts in VOICES.items():
        try:
            voice_path(name, download_missing=False)
        except FileNotFoundError:
            continue
        about = f"{facts['accent']} English, {facts['gender']}"
        ready.append(VoiceInfo(name, "hibari", (facts["language"],), about))
    return tuple(sorted(ready, key=lambda voice: voice.name != DEFAULT_VOICE))


def _not_spoken(language: str) -> LanguageNotSpoken:
    return LanguageNotSpoken(
        f"No installed voice speaks {language_name(language)}. Spoken here: English. Voices for more "
        "languages come as extras of lipstream; `lipstream doctor` lists those that this release knows."
    )


async def _nothing() -> AsyncIterator[str]:
    return
    yield ""
