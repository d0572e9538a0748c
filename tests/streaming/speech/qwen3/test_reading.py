import asyncio
from collections.abc import AsyncIterator

import pytest

from streaming.errors import LanguageNotSpoken
from streaming.speech.base import SpeechRequest
from streaming.speech.qwen3 import reading
from streaming.speech.qwen3.reading import Draft, Reader
from streaming.speech.qwen3.sentences import Part
from streaming.speech.text.clauses import Ending

LANGUAGES = ("en", "de", "ja")


class Listener:
    """Takes the text of one sentence."""

    def __init__(self, draft: Draft) -> None:
        self.text, self.complete, self.words = "", asyncio.Event(), []
        draft.attach(self, self._on_words)

    def write(self, text: str) -> None:
        self.text += text

    def finish(self) -> None:
        self.complete.set()

    def _on_words(self, part: Part, script: str) -> None:
        self.words += [script[word.begin : word.stop] for word in part.words]


async def pieces(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def read(text: AsyncIterator[str], language: str | None = "en") -> list[tuple[str, str]]:
    reader = Reader(SpeechRequest(text, language=language), LANGUAGES)
    found = []
    async with asyncio.timeout(10):
        async for draft in reader.drafts():
            listener = Listener(draft)
            await listener.complete.wait()
            found.append((draft.language, listener.text))
    await reader.aclose()
    return found


async def test_sentences_come_in_order_each_complete():
    text = "Good morning to you all. How is everybody today? I am very well, thank you."
    whole = await read(pieces(text))
    assert [said for _, said in whole] == [
        "Good morning to you all.",
        "How is everybody today?",
        "I am very well, thank you.",
    ]
    assert await read(pieces(*text)) == whole


async def test_a_sentence_is_handed_on_while_it_is_written():
    more: asyncio.Queue[str] = asyncio.Queue()

    async def written() -> AsyncIterator[str]:
        while piece := await more.get():
            yield piece

    reader = Reader(SpeechRequest(written(), language="en"), LANGUAGES)
    more.put_nowait("Good morning to ev")
    listener = Listener(await anext(reader.drafts()))
    assert listener.text == "Good morning" and not listener.complete.is_set()
    more.put_nowait("erybody here ")
    more.put_nowait("and there.")
    more.put_nowait("")
    async with asyncio.timeout(10):
        await listener.complete.wait()
    assert listener.text == "Good morning to everybody here and there."
    assert listener.words == "Good morning to everybody here and there".split()
    await reader.aclose()


async def test_a_sentence_whose_next_word_is_late_ends_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", 0.02)
    go_on = asyncio.Event()

    async def thinking() -> AsyncIterator[str]:
        yield "Well, let me think about that "
        await go_on.wait()
        yield "for a little while longer."

    reader = Reader(SpeechRequest(thinking(), language="en"), LANGUAGES)
    drafts = reader.drafts()
    async with asyncio.timeout(10):
        first = Listener(draft := await anext(drafts))
        await first.complete.wait()
        assert first.text == "Well, let me think about that" and draft.ending is Ending.CUT
        go_on.set()
        second = Listener(await anext(drafts))
        await second.complete.wait()
    assert second.text == "for a little while longer."
    await reader.aclose()


async def test_languages_are_told_apart_and_unknown_ones_refused():
    text = "Good morning, my dear friends. これは日本語の文章です。 And we go on in English."
    assert [language for language, _ in await read(pieces(text), None)] == ["en", "ja", "en"]
    with pytest.raises(LanguageNotSpoken, match="Greek"):
        await read(pieces("Καλημέρα σε όλους σας."), None)


async def test_what_was_read_before_a_failure_is_still_handed_on():
    async def broken() -> AsyncIterator[str]:
        yield "This is the first of the sentences. And this "
        raise ConnectionError("gone")

    reader = Reader(SpeechRequest(broken(), language="en"), LANGUAGES)
    said = []
    with pytest.raises(ConnectionError):
        async for draft in reader.drafts():
            said.append(Listener(draft))
    assert [listener.text for listener in said] == ["This is the first of the sentences."]
    assert all(listener.complete.is_set() for listener in said)


async def test_closing_stops_a_reader_that_waits():

    async def endless() -> AsyncIterator[str]:
        while True:
            yield "And on and on it goes without an end. "

    reader = Reader(SpeechRequest(endless(), language="en"), LANGUAGES)
    await anext(reader.drafts())
    async with asyncio.timeout(5):
        await reader.aclose()
