"""Captions of any language are cut where people would, into pieces that fit."""

from __future__ import annotations

import unicodedata

import pytest
from playwright.async_api import Browser

from benchmarks.live import LiveServer
from tests.support.visitor import visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROOM = 84
"""Two lines of 42 letters."""
PARTS = """async (text) => {
  const { partsOf } = await import(new URL("demo/js/captions.js", document.baseURI));
  return partsOf(Array.from(text)).map(({ start, stop }) => [start, stop]);
}"""

ENGLISH = (
    "Good morning. Your train leaves at ten past eight from platform four, and the weather stays dry, but "
    "there is a long way to go before we see the mountains again."
)
JAPANESE = (
    "こんにちは。これは句読点のないとても長い日本語の文章で字幕の長さを確かめるために書かれたものであり"
    "途中で切れるところを見るためのものですからさらに長く続きます"
)
CHINESE = "你好！人工智能正在改变我们的世界，我们需要学习新的知识来适应这个快速变化的时代，而且要努力。"


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


async def test_captions_are_cut_between_words_and_fit(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        for text in (ENGLISH, JAPANESE, CHINESE, "a" * 300, ""):
            spans = await visitor.page.evaluate(PARTS, text)
            parts = [text[start:stop] for start, stop in spans]
            assert "".join(parts) == text
            assert all(0 < width(part.strip()) <= ROOM for part in parts), parts
            # Neither in the middle of a word nor before its comma.
            assert not any(part[0] in "、。，！,. " for part in parts[1:]), parts
            if text == ENGLISH:
                assert parts[1].endswith("stays dry, ")
            if text == JAPANESE:
                assert len(parts) == 3 and "確かめる" in "|".join(parts) and "途中で" in "|".join(parts)
