"""Several speech engines behind one face: the next takes over when one fails before its first sound."""

from __future__ import annotations

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
)
from streaming.speech.base import SpeechChunk, SpeechEngine, SpeechRequest, VoiceInfo
from streaming.speech.replay import ReplayableText


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

    @property
    def name(self) -> str:
        """Names of the engines, joined by commas."""
        return ",".join(engine.name for engine in self.engines)

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
        """Warm up every engine; those that cannot run are left out from then on.

        Raises:
            LipstreamError: none is left; this is the first engine's failure.
        """
        ready: list[SpeechEngine] = []
        failed: list[tuple[str, LipstreamError]] = []
        for engine in self.engines:
            try:
                await engine.warm_up()
            except Exception as error:
                failed.append((engine.name, _expected(engine, error)))
            else:
                ready.append(engine)
        if not ready:
            raise failed[0][1]
        self.engines, self.skipped = tuple(ready), (*self.skipped, *failed)

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak with the first engine that can. See :class:`streaming.speech.base.SpeechEngine`."""
        engines = self._willing(request)
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

    def _willing(self, request: SpeechRequest) -> list[SpeechEngine]:
        """The engines that accept the request, or the refusal that helps most."""
        willing: list[SpeechEngine] = []
        refusals: list[LipstreamError] = []
        for engine in self.engines:
            try:
                engine.check(request)
            except LipstreamError as refusal:
                refusals.append(refusal)
            else:
                willing.append(engine)
        if willing:
            return willing
        if all(isinstance(refusal, VoiceNotFound) for refusal in refusals):
            names = ", ".join(voice.name for voice in self.voices())
            raise VoiceNotFound(f"There is no voice '{request.voice}' here. Voices that are ready: {names}.")
        raise next((r for r in refusals if isinstance(r, LanguageNotSpoken)), refusals[0])


def _expected(engine: SpeechEngine, error: Exception) -> LipstreamError:
    if isinstance(error, LipstreamError):
        return error
    return EngineFailed(f"The speech engine '{engine.name}' failed: {error or type(error).__name__}.")
