"""Cuts a text that arrives piece by piece into runs of sentences that are in one language."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

Detect = Callable[[str, str | None], str | None]
"""The language of a sentence, given that of the one before; ``None`` when the sentence does not say."""

ENOUGH_LETTERS = 30
"""The beginning of a sentence that is long enough to tell its language."""
_SENTENCE_END = re.compile(r"[.!?…]+[\"”’'»)\]]*\s+|[。！？।]+[」』”）]*\s*|\n+")
_ENDED = re.compile(r"[.!?…。！？।][\"”’'»)\]」』”）]*\s*\Z|\n\Z")
_WIDE = re.compile(r"[\u0900-\u0dff\u3040-\u9fff\uac00-\ud7af]")
_WIDE_LETTERS = 4
"""What a character of such a script counts."""


@dataclass(frozen=True, slots=True)
class LanguageRun:
    """Sentences in one language.

    Attributes:
        language: primary subtag; ``None`` when nothing in the text says it.
        offset: characters of the whole text before it.
        text: its pieces, as they arrive. To be read before the next run is asked for.
    """

    language: str | None
    offset: int
    text: AsyncIterator[str]


class RunSplitter:
    """Feed pieces, get (language, text) in order; text is kept back while its language is open.

    Args:
        detect: says the language of a sentence.
    """

    def __init__(self, detect: Detect) -> None:
        self._detect = detect
        self._pending = ""
        self._language: str | None = None
        self._decided = False

    def feed(self, piece: str, final: bool = False) -> list[tuple[str | None, str]]:
        """Take the next piece; return what is decided, neighbours of one language joined."""
        self._pending += piece
        decided: list[tuple[str | None, str]] = []
        undecided = ""
        while self._pending:
            end = _SENTENCE_END.search(self._pending)
            # A mark at the very end may be followed by more marks or by no space at all.
            if end is None:
                break
            if end.end() == len(self._pending) and not final and not end.group().endswith("\n"):
                break
            sentence, self._pending = self._pending[: end.end()], self._pending[end.end() :]
            if self._decide(undecided + sentence):
                _append(decided, self._language, undecided + sentence)
                undecided = ""
            else:
                undecided += sentence
            self._decided = False
        self._pending = undecided + self._pending
        enough = final or _letters(self._pending) >= ENOUGH_LETTERS
        if self._pending and (self._decided or (enough and self._decide(self._pending)) or final):
            _append(decided, self._language, self._pending)
            # Another sentence follows when this one has ended.
            self._decided = _ENDED.search(self._pending) is None
            self._pending = ""
        return decided

    def _decide(self, sentence: str) -> bool:
        """Set the language of the run by a sentence; false while nothing has said it yet."""
        if not self._decided:
            self._language = self._detect(sentence, self._language) or self._language
        return self._language is not None


class LanguageRuns:
    """The runs of a text.

    Args:
        text: its pieces.
        detect: says the language of a sentence.
    """

    def __init__(self, text: AsyncIterator[str], detect: Detect) -> None:
        self._source = text
        self._splitter = RunSplitter(detect)
        self._ready: deque[tuple[str | None, str]] = deque()
        self._offset = 0
        self._ended = False

    async def runs(self) -> AsyncGenerator[LanguageRun, None]:
        """One run after the other; the next one begins when the text of the last one has been read."""
        while True:
            while not self._ready and not self._ended:
                await self._more()
            if not self._ready:
                return
            language = self._ready[0][0]
            yield LanguageRun(language, self._offset, self._read(language))

    async def _read(self, language: str | None) -> AsyncGenerator[str, None]:
        while True:
            while self._ready and self._ready[0][0] == language:
                _, text = self._ready.popleft()
                self._offset += len(text)
                yield text
            if self._ready or self._ended:
                return
            await self._more()

    async def _more(self) -> None:
        try:
            piece = await anext(self._source)
        except StopAsyncIteration:
            self._ended = True
            self._ready.extend(self._splitter.feed("", final=True))
        else:
            self._ready.extend(self._splitter.feed(piece))


def _append(runs: list[tuple[str | None, str]], language: str | None, text: str) -> None:
    if runs and runs[-1][0] == language:
        runs[-1] = (language, runs[-1][1] + text)
    else:
        runs.append((language, text))


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text)) + (_WIDE_LETTERS - 1) * len(_WIDE.findall(text))
