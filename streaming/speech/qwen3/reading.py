"""Reads a request's text into sentences, some way ahead of who speaks them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing, suppress
from typing import Protocol

from streaming.errors import LanguageNotSpoken
from streaming.speech.base import SpeechRequest
from streaming.speech.language import detect_language
from streaming.speech.language_runs import LanguageRun, LanguageRuns
from streaming.speech.qwen3.sentences import PORTION_CHARACTERS, Part, SentenceSplitter
from streaming.speech.text.clauses import Ending
from streaming.speech.text.scripts import language_name, primary_subtag

PATIENCE_SECONDS = 3.0
"""A sentence whose next word takes longer ends with the words that are there: one that waits keeps its place
in the model from others, and its listener in the middle of a word."""
SENTENCES_AHEAD = 1
"""Sentences that are read beyond the one that is spoken and the one that is being read."""


class TakesText(Protocol):
    """What speaks a sentence."""

    def write(self, text: str) -> None:
        """The sentence goes on."""
        ...

    def finish(self) -> None:
        """It is complete."""
        ...


class Draft:
    """A sentence as it is read.

    Attributes:
        language: BCP 47 tag.
        offset: of its script in the whole text.
        ending: how it ends, once that is known.
    """

    def __init__(self, language: str, offset: int) -> None:
        self.language, self.offset = language, offset
        self.ending: Ending | None = None
        self._parts: list[tuple[Part, str]] = []
        self._complete = False
        self._speaker: TakesText | None = None
        self._on_words: Callable[[Part, str], None] | None = None

    def add(self, part: Part, script: str) -> None:
        """The sentence goes on; spans of ``part`` refer to ``script``."""
        if self._speaker is None or self._on_words is None:
            self._parts.append((part, script))
        else:
            self._on_words(part, script)
            self._speaker.write(part.text)
        self.ending = part.ending or self.ending

    def finish(self) -> None:
        """It is complete."""
        self._complete = True
        if self._speaker is not None:
            self._speaker.finish()

    def attach(self, speaker: TakesText, on_words: Callable[[Part, str], None]) -> None:
        """Let it be spoken: what is known now, and the rest as it comes."""
        self._speaker, self._on_words = speaker, on_words
        for part, script in self._parts:
            on_words(part, script)
        # As one piece: it need not be read again for every word.
        speaker.write("".join(part.text for part, _ in self._parts))
        self._parts.clear()
        if self._complete:
            speaker.finish()


class Reader:
    """Reads the text of one request in the background.

    Args:
        request: its text is read once.
        languages: tags that the voice speaks, its own first.
    """

    def __init__(self, request: SpeechRequest, languages: tuple[str, ...]) -> None:
        self._request, self._languages = request, languages
        self._drafts: asyncio.Queue[Draft | None] = asyncio.Queue(SENTENCES_AHEAD)
        self._open: Draft | None = None
        self._task = asyncio.ensure_future(self._read())

    async def drafts(self) -> AsyncGenerator[Draft, None]:
        """The sentences in order, each as soon as its first words are known.

        Raises:
            LanguageNotSpoken: the text turns out to be in a language that the model does not know.
            Exception: what the source of the text raises.
        """
        while (draft := await self._drafts.get()) is not None:
            yield draft
        await self._task

    async def aclose(self) -> None:
        """Stop reading."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        failure: Exception | None = None
        try:
            async with aclosing(self._runs()) as runs:
                async for run in runs:
                    await self._read_run(run)
        except Exception as error:
            # What was read before is still said.
            failure = error
        if self._open is not None:
            self._open.finish()
        await self._drafts.put(None)
        if failure is not None:
            raise failure

    async def _read_run(self, run: LanguageRun) -> None:
        assert run.language is not None
        splitter = SentenceSplitter(run.language)
        offset = run.offset
        async with aclosing(self._pieces(run.text)) as pieces:
            async for piece in pieces:
                if piece is None:
                    await self._hand_on(splitter.cut(), splitter, run.language, offset)
                    continue
                for begin in range(0, len(piece), PORTION_CHARACTERS):
                    portion = piece[begin : begin + PORTION_CHARACTERS]
                    await self._hand_on(splitter.feed(portion), splitter, run.language, offset)
        await self._hand_on(splitter.flush(), splitter, run.language, offset)

    async def _pieces(self, text: AsyncIterator[str]) -> AsyncGenerator[str | None, None]:
        """The pieces of a text; ``None`` where one is long in coming while a sentence is open."""
        while True:
            coming = asyncio.ensure_future(_next(text))
            try:
                await asyncio.wait((coming,), timeout=PATIENCE_SECONDS)
                if not coming.done() and self._open is not None:
                    yield None
                yield await coming
            except StopAsyncIteration:
                return
            finally:
                coming.cancel()

    async def _hand_on(
        self, parts: list[Part], splitter: SentenceSplitter, language: str, offset: int
    ) -> None:
        for part in parts:
            if self._open is None:
                self._open = Draft(language, offset)
                self._open.add(part, splitter.script)
                await self._drafts.put(self._open)
            else:
                self._open.add(part, splitter.script)
            if part.ending is not None:
                self._open.finish()
                self._open = None

    async def _runs(self) -> AsyncGenerator[LanguageRun, None]:
        if self._request.language:
            yield LanguageRun(primary_subtag(self._request.language), 0, self._request.text)
            return
        async with aclosing(LanguageRuns(self._request.text, self._detect).runs()) as runs:
            async for run in runs:
                language = run.language or self._languages[0]
                if language not in self._languages:
                    raise _not_spoken(language, self._languages)
                yield LanguageRun(language, run.offset, run.text)

    def _detect(self, sentence: str, before: str | None) -> str | None:
        return detect_language(sentence, self._languages, expected=before or self._languages[0])


async def _next(text: AsyncIterator[str]) -> str:
    return await anext(text)


def _not_spoken(language: str, spoken: Collection[str]) -> LanguageNotSpoken:
    known = ", ".join(language_name(tag) for tag in spoken)
    return LanguageNotSpoken(f"Qwen3-TTS does not speak {language_name(language)}. It speaks {known}.")
