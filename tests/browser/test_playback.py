"""Picture, sound and captions in the browser, over each way in which they come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest
from playwright.async_api import Browser

from benchmarks.live import LiveServer
from tests.support.lips import LEVEL_MS, best_start
from tests.support.reading import read_aloud
from tests.support.visitor import ONLY_VP8, Visitor, visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "Seven small boats, painted blue, came home before the storm."
WORDS = TEXT.replace(",", "").rstrip(".").split()
SILENCE = 0.003
SPEECH = 0.01
LIKENESS = 0.65
"""Loudness of another text correlates with less; under 1 where a buffer on the way stretched the sound."""
CAPTION_TOLERANCE_MS = 300

WATCH_CAPTIONS = """
window.captioned = [];
addEventListener("DOMContentLoaded", () => {
  const line = document.querySelector("#caption-text");
  const note = () => {
    const text = line.querySelector(".now")?.textContent;
    if (text && captioned.at(-1)?.text !== text) captioned.push({ text, time: performance.now() });
  };
  if (line) new MutationObserver(note).observe(line, { childList: true, subtree: true, characterData: true });
});
"""


@dataclass(frozen=True, slots=True)
class Way:
    query: str
    transport: str
    codec: str
    scripts: tuple[str, ...] = ()


WAYS = {
    "webrtc-h264": Way("", "webrtc", "H264"),
    "webrtc-vp8": Way("", "webrtc", "VP8", (ONLY_VP8,)),
    "webcodecs": Way("transport=websocket", "webcodecs", "H264"),
    "fmp4": Way("transport=websocket&format=fmp4", "fmp4", "H264"),
}


async def check_picture(visitor: Visitor) -> None:
    """It is of full size, neither black nor flat, and it moves although nobody speaks."""
    before = await visitor.look()
    frames = len(await visitor.get("frameTimes"))
    await asyncio.sleep(1.5)
    after = await visitor.look()
    assert len(await visitor.get("frameTimes")) - frames >= 20, "the frames do not advance"
    for picture in (before, after):
        assert picture.mean() > 40
        assert picture.std() > 20
    assert np.abs(after - before).mean() > 0.02, "the picture is frozen"
    stats = await visitor.page.evaluate("lipstream.stats()")
    assert (stats["width"], stats["height"]) == (512, 512)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_text_is_seen_heard_and_read(server: LiveServer, browser: Browser, way: Way):
    reading = await read_aloud(TEXT)
    async with visit(browser, server.url, way.query, scripts=(*way.scripts, WATCH_CAPTIONS)) as visitor:
        assert await visitor.get("transport") == way.transport
        await check_picture(visitor)
        assert (await visitor.page.evaluate("lipstream.stats()"))["codec"].startswith(way.codec)

        pressed = await visitor.now()
        await visitor.listen(TEXT)
        assert await visitor.page.is_visible("#caption.shown")
        await visitor.until("!document.querySelector('#caption').classList.contains('shown')")
        await asyncio.sleep(0.5)

        (ended,) = await visitor.events("utterance.ended")
        assert ended["reason"] == "completed"
        assert ended["spoken_seconds"] == pytest.approx(len(reading.mouths) / 25)
        words = await visitor.events("word")
        assert [word["text"] for word in words] == WORDS

        heard = await visitor.heard()
        start, likeness = best_start(
            heard.times, heard.levels, reading.levels, LEVEL_MS, np.arange(pressed, pressed + 2000, 5)
        )
        end = start + 1000 * len(reading.pcm) / 24_000
        assert likeness > LIKENESS, "what is heard is not what was said"
        assert np.mean(heard.between(start, end) > SPEECH) > 0.5
        before, after = heard.between(pressed - 1000, pressed), heard.between(end + 200, end + 1200)
        assert len(before) > 50 and before.max() < SILENCE, "there is sound while nobody speaks"
        assert len(after) > 50 and after.max() < SILENCE

        captioned = await visitor.page.evaluate("captioned")
        assert [word["text"].rstrip(",.") for word in captioned] == WORDS
        late = [
            caption["time"] - start - word["start"] * 1000
            for caption, word in zip(captioned, words, strict=True)
        ]
        assert abs(np.median(late)) < CAPTION_TOLERANCE_MS, f"captions run {np.median(late):.0f} ms late"
