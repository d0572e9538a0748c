"""Interrupting: what was being said is neither heard nor seen any more, and the next utterance is."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from playwright.async_api import Browser

from benchmarks.live import LiveServer
from tests.support.lips import mouth_openings
from tests.support.visitor import visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONG = (
    "This is a rather long text, so that there is time to interrupt it while it is being said. "
    "It goes on for a good while, sentence after sentence, and nobody should have to hear all of it."
)
SILENT_AFTER_MS = 250
SPEECH = 0.01
CLOSED_AFTER_MS = SILENT_AFTER_MS + 200
"""The mouth takes four frames to come to rest."""


@pytest.mark.parametrize(
    "query",
    ["", "transport=websocket", "transport=websocket&format=fmp4"],
    ids=["webrtc", "webcodecs", "fmp4"],
)
async def test_nothing_follows_an_interrupt(server: LiveServer, browser: Browser, query: str):
    async with visit(browser, server.url, query) as visitor:
        await visitor.record()
        await asyncio.sleep(1)
        asked = await visitor.now()
        await visitor.say(LONG)
        await visitor.until_event("word", 5)
        pressed = await visitor.now()
        await visitor.page.keyboard.press("Escape")
        await visitor.until_event("utterance.ended")
        await asyncio.sleep(1.5)
        shown, heard = await visitor.recorded(), await visitor.heard()
        events = await visitor.events()

        assert heard.between(asked, pressed).max() > SPEECH
        after = heard.between(pressed + SILENT_AFTER_MS, np.inf)
        assert len(after) > 80 and after.max() < SPEECH, "speech is heard after the interrupt"

        kinds = [event["type"] for event in events]
        ended = events[kinds.index("utterance.ended")]
        assert ended["reason"] == "interrupted"
        assert ended["time"] - pressed < SILENT_AFTER_MS
        assert set(kinds[kinds.index("utterance.ended") + 1 :]) <= {"ack", "session.state"}
        assert not await visitor.page.is_visible("#caption.shown")

        openings = mouth_openings(shown.pictures)
        rest = openings[shown.times < asked]
        moving = openings[(shown.times > asked) & (shown.times < pressed)]
        still = openings[shown.times > pressed + CLOSED_AFTER_MS]
        assert len(rest) > 5 and len(still) > 15
        noise = max(float(np.ptp(rest)), 0.2 * float(np.ptp(moving)))
        assert np.abs(still - np.median(rest)).max() < 2 * noise, "the mouth moves on"
        assert np.ptp(still) < 0.5 * np.ptp(moving)

        await visitor.listen("And now to something new.")
        assert (await visitor.events("utterance.ended"))[-1]["reason"] == "completed"
        assert (await visitor.words())[-5:] == ["And", "now", "to", "something", "new"]
        heard = await visitor.heard()
        again = (await visitor.events("utterance.started"))[-1]["time"]
        assert np.mean(heard.between(again, np.inf) > SPEECH) > 0.3


async def test_what_is_said_meanwhile_waits_for_its_turn(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        await visitor.say("The first one comes first.")
        await visitor.until_event("word")
        await visitor.say("The second one waits.")
        await visitor.until_event("utterance.ended", 2)
        events = await visitor.events("utterance.queued", "utterance.started", "utterance.ended", "word")
        first, second = (event["utterance"] for event in events if event["type"] == "utterance.queued")
        speech = [event for event in events if event["type"] != "utterance.queued"]
        order = [event["utterance"] for event in speech]
        assert order == sorted(order, key=[first, second].index), "the utterances overlap"
        assert await visitor.words(second) == ["The", "second", "one", "waits"]
        assert [event["reason"] for event in await visitor.events("utterance.ended")] == ["completed"] * 2


async def test_an_interrupt_drops_what_waits_too(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        await visitor.say(LONG)
        await visitor.until_event("word", 2)
        await visitor.say("Nobody hears this.")
        await visitor.until_event("utterance.queued", 2)
        await visitor.page.keyboard.press("Escape")
        await visitor.until_event("utterance.ended", 2)
        await asyncio.sleep(0.7)
        assert [event["reason"] for event in await visitor.events("utterance.ended")] == ["interrupted"] * 2
        assert len(await visitor.events("utterance.started")) == 1
        assert "Nobody" not in await visitor.words()
        notes = await visitor.page.locator(".said-note").all_inner_texts()
        assert notes[0] == "Interrupted before it began"
        assert notes[1].startswith("Interrupted after")
