"""Several speech engines behind one face: the next takes over when one fails before its first sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from streaming.errors import (
    EngineFailed,
    EngineUnavailable,
    LanguageNotSpoken,
    LipstreamError,
    ScriptRejected,
    VoiceNotFound,
    without_history,
)
from streaming.slots import Word
from streaming.speech import language
from streaming.speech.base import OnDevice, SpeechChunk, SpeechEngine, SpeechRequest, VoiceInfo
from streaming.speech.language import detect_language
from streaming.speech.language_runs import LanguageRuns
from streaming.speech.replay import ReplayableText
from streaming.speech.text.scripts import language_name, primary_subtag
from streaming.timing import SPEECH_RATE

MAKESHIFT = frozenset({"espeak"})
"""Engines that speak what no other does, but not as people do."""


class FallbackChain:
    """A speech engine made of others, in order of preference.

    An engine that refuses a request (its language or voice) is passed over; one that fails before its first
    sound is replaced by the next, which gets the text from its start. After the first sound a failure ends
    the request, because a second voice in the middle of a sentence would be worse.

    Args:
        engines: at least one, the preferred first.
        skipped: engines that were asked for but cannot run here, with the reason.
    """

    def __init__(
        self, engines: Sequence[SpeechEngine], skipped: Sequence[tuple[str, LipstreamError]] = ()
    ) -> None:
        if not engines:
            raise EngineUnavailable("A chain of speech engines needs at least one engine.")
        self.engines = tuple(engines)
        self.skipped = tuple(skipped)
        self._warming: asyncio.Future[None] | None = None

    @property
    def name(self) -> str:
        """Names of the engines, joined by commas."""
        return ",".join(engine.name for engine in self.engines)

    @property
    def device(self) -> str:
        """Where the preferred engine runs."""
        preferred = self.engines[0]
        return preferred.device if isinstance(preferred, OnDevice) else "cpu"

    @property
    def capacity(self) -> int | None:
        """Sessions that the preferred engine can speak for at once, where it has a limit of its own."""
        preferred = self.engines[0]
        return preferred.capacity if isinstance(preferred, OnDevice) else None

    def voices(self) -> tuple[VoiceInfo, ...]:
        """The voices of all engines, the preferred engine's first."""
        return tuple(voice for engine in self.engines for voice in engine.voices())

    def check(self, request: SpeechRequest) -> None:
        """Refuse a request that every engine refuses.

        Raises:
            VoiceNotFound: no engine has the voice.
            LanguageNotSpoken: no engine that has the voice speaks the language.
        """
        self._willing(request)

    async def warm_up(self) -> None:
        """Warm up the first engine that can run, and the others in the background.

        Engines that turn out not to run are left out from then on.

        Raises:
            LipstreamError: none is left; this is the first engine's failure.
        """
        if len(self._languages(self.engines)) > 1:
            await asyncio.to_thread(language.load)
        failed: list[LipstreamError] = []
        for i, engine in enumerate(self.engines):
            failure = await self._warm(engine)
            if failure is None:
                others = self.engines[i + 1 :]
                self.engines = self.engines[i:]
                self._warming = asyncio.ensure_future(self._warm_others(others))
                return
            failed.append(failure)
        raise failed[0]

    async def warmed_up(self) -> None:
        """Wait until the engines that warm up in the background are ready or left out."""
        if self._warming is not None:
            await asyncio.shield(self._warming)

    async def _warm_others(self, engines: Sequence[SpeechEngine]) -> None:
        for engine in engines:
            if await self._warm(engine) is not None:
                self.engines = tuple(other for other in self.engines if other is not engine)

    async def _warm(self, engine: SpeechEngine) -> LipstreamError | None:
        try:
            await engine.warm_up()
        except Exception as error:
            failure = without_history(_expected(engine, error))
            self.skipped = (*self.skipped, (engine.name, failure))
            return failure
        return None

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak with the first engine that can. See :class:`streaming.speech.base.SpeechEngine`.

        Where neither a voice nor a language is named and the engines know several, each sentence is spoken by
        an engine that knows its language.
        """
        open_language = request.voice is None and not request.language
        by_language = open_language and len(self._languages(self.engines)) > 1
        async with aclosing(self._by_language(request) if by_language else self._speak(request)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _by_language(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        languages = self._languages(self.engines)
        makeshift = [engine for engine in self.engines if engine.name in MAKESHIFT]
        rare = languages - self._languages([engine for engine in self.engines if engine not in makeshift])
        usual = primary_subtag(self.voices()[0].languages[0])
        speaking = ""
        samples, spoken = 0, False

        def detect(sentence: str, before: str | None) -> str | None:
            return detect_language(sentence, languages, expected=before or usual, rare=rare)

        def on_engine(name: str) -> None:
            nonlocal speaking
            if name != speaking and request.on_engine is not None:
                request.on_engine(name)
            speaking = name

        async with aclosing(LanguageRuns(request.text, detect).runs()) as runs:
            async for run in runs:
                before = request.before + samples / SPEECH_RATE
                part = replace(
                    request, text=run.text, language=run.language, on_engine=on_engine, before=before
                )
                try:
                    async with aclosing(self._speak(part)) as chunks:
                        async for chunk in chunks:
                            spoken = True
                            samples += len(chunk.pcm)
                            yield _moved(chunk, run.offset)
                except ScriptRejected:
                    # Nothing to say in these sentences; there may be in others.
                    continue
        if not spoken:
            raise ScriptRejected("The text holds nothing that can be spoken. Send at least one word.")

    @staticmethod
    def _languages(engines: Sequence[SpeechEngine]) -> set[str]:
        voices = (voice for engine in engines for voice in engine.voices())
        return {primary_subtag(tag) for voice in voices for tag in voice.languages}

    async def _speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        engines = self._willing(request)
        if engines[0].name in MAKESHIFT and engines[0] is not self.engines[0] and request.voice is None:
            self._tell_makeshift(request)
        text = ReplayableText(request.text)
        try:
            for i, engine in enumerate(engines):
                started = False
                chunks = engine.synthesize(
                    replace(request, text=text.read(), on_engine=None, on_fallback=None)
                )
                try:
                    async with aclosing(chunks):
                        async for chunk in chunks:
                            if not started:
                                started = True
                                text.forget()
                                if request.on_engine is not None:
                                    request.on_engine(engine.name)
                            yield chunk
                    return
                except ScriptRejected:
                    raise
                except Exception as error:
                    failure = _expected(engine, error)
                    if started or i + 1 == len(engines):
                        raise failure from error
                    if request.on_fallback is not None:
                        request.on_fallback(engine.name, failure.message)
        finally:
            await text.aclose()

    def _tell_makeshift(self, request: SpeechRequest) -> None:
        if request.on_fallback is not None:
            name = language_name(request.language or "")
            reason = f"no installed voice speaks {name} better than a robot does"
            request.on_fallback(self.engines[0].name, reason)

    def _willing(self, request: SpeechRequest) -> list[SpeechEngine]:
        """The engines that accept the request, or the refusal that helps most."""
        willing: list[SpeechEngine] = []
        refusals: list[LipstreamError] = []
        for engine in self.engines:
            try:
                engine.check(request)
            except LipstreamError as refusal:
                if engine.name not in MAKESHIFT or len(self.engines) == 1:
                    refusals.append(refusal)
            else:
                willing.append(engine)
        if willing:
            return willing
        if all(isinstance(refusal, VoiceNotFound) for refusal in refusals):
            names = ", ".join(voice.name for voice in self.voices() if voice.engine not in MAKESHIFT)
            raise VoiceNotFound(f"There is no voice '{request.voice}' here. Voices that are ready: {names}.")
        raise _most_helpful(refusals)


def _most_helpful(refusals: Sequence[LipstreamError]) -> LipstreamError:
    """Something can be done about a missing package; of other engines, the last speaks most languages."""
    for kind in (EngineUnavailable, LanguageNotSpoken):
        for refusal in reversed(refusals):
            if isinstance(refusal, kind):
                return refusal
    return refusals[0]


def _moved(chunk: SpeechChunk, offset: int) -> SpeechChunk:
    """The chunk with its words ``offset`` characters further on in the text."""
    if not offset or not chunk.words:
        return chunk
    words = [Word(w.text, w.start, w.end, w.begin + offset, w.stop + offset) for w in chunk.words]
    return replace(chunk, words=words)


def _expected(engine: SpeechEngine, error: Exception) -> LipstreamError:
    if isinstance(error, LipstreamError):
        return error
    return EngineFailed(f"The speech engine '{engine.name}' failed: {error or type(error).__name__}.")
