"""What may change under a living page: the avatar, the page itself, the server, the performer."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack

import numpy as np
import pytest
from playwright.async_api import Browser

from benchmarks.live import LiveServer, free_port, live_server
from tests.support.visitor import Visitor, visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONG = (
    "I keep talking for some time now, so that things can happen while I do, "
    "and whoever listens hears every word of it."
)
SPEECH = 0.01
POSTER = """async (avatar) => {
  const image = document.querySelector(`input[value=${avatar}]`).closest("label").querySelector("img");
  image.loading = "eager";
  await image.decode();
  const pen = new OffscreenCanvas(64, 64).getContext("2d");
  pen.drawImage(image, 0, 0, 64, 64);
  return [...pen.getImageData(0, 0, 64, 64).data];
}"""


async def who_is_shown(visitor: Visitor) -> str:
    """The avatar whose poster the picture is nearest to."""
    picture = await visitor.look()
    distances = {}
    for avatar in ("mira", "theo"):
        poster = np.array(await visitor.page.evaluate(POSTER, avatar), np.float64).reshape(64, 64, 4)
        distances[avatar] = float(np.abs(picture - poster[..., :3]).mean())
    return min(distances, key=distances.__getitem__)


async def check_speaks(visitor: Visitor, text: str = "It works again.") -> None:
    """Picture, events and sound of one utterance."""
    await visitor.listen(text)
    assert (await visitor.events("utterance.ended"))[-1]["reason"] == "completed"
    started = (await visitor.events("utterance.started"))[-1]["time"]
    assert np.mean((await visitor.heard()).between(started, np.inf) > SPEECH) > 0.3


@pytest.mark.parametrize("query", ["", "transport=websocket"], ids=["webrtc", "webcodecs"])
async def test_the_avatar_changes_in_mid_sentence_and_stays_over_a_reload(
    server: LiveServer, browser: Browser, query: str
):
    async with visit(browser, server.url, query) as visitor:
        session = await visitor.get("session")
        assert await who_is_shown(visitor) == "mira"
        await visitor.say(LONG)
        await visitor.until_event("word", 3)
        await visitor.page.check("input[value=theo]", force=True)
        await visitor.until("lipstream.events.some(({event}) => event.avatar === 'theo')")
        changed = await visitor.now()
        await asyncio.sleep(1)
        assert await who_is_shown(visitor) == "theo"
        assert await visitor.page.inner_text("#stage-name") == "Theo"
        await visitor.until_event("utterance.ended")
        (ended,) = await visitor.events("utterance.ended")
        assert ended["reason"] == "completed"
        assert await visitor.words() == LONG.replace(",", "").rstrip(".").split()
        after = (await visitor.heard()).between(changed, ended["time"])
        assert np.mean(after > SPEECH) > 0.4, "the sound did not go on"

        await visitor.page.reload()
        await visitor.until_live()
        assert await visitor.get("session") == session
        assert await visitor.get("avatar") == "theo"
        assert await who_is_shown(visitor) == "theo"
        await check_speaks(visitor)


async def test_the_way_changes_and_the_session_stays(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        session = await visitor.get("session")
        for value, transport in (("websocket", "webcodecs"), ("webrtc", "webrtc")):
            await visitor.page.check(f"input[value={value}]", force=True)
            await visitor.until(f"lipstream.transport === '{transport}' && lipstream.state === 'live'")
            assert await visitor.get("session") == session
            await check_speaks(visitor)


@pytest.mark.parametrize("query", ["", "transport=websocket"], ids=["webrtc", "webcodecs"])
async def test_a_server_that_comes_back_is_found_by_itself(browser: Browser, query: str):
    port = free_port()
    async with AsyncExitStack() as servers:
        server = await servers.enter_async_context(live_server(port=port))
        async with visit(browser, server.url, query) as visitor:
            session = await visitor.get("session")
            await visitor.say(LONG)
            await visitor.until_event("word", 3)
            server.kill()
            await visitor.until("lipstream.state === 'reconnecting'")
            assert await visitor.page.inner_text("#state-text") == "Reconnecting"
            await servers.enter_async_context(live_server(port=port))
            await visitor.until_live(30)
            assert await visitor.get("session") != session
            await check_speaks(visitor)
            visitor.forgive("ERR_CONNECTION", "404 (Not Found)", "WebSocket connection")


async def test_a_performer_that_dies_costs_one_utterance(browser: Browser):
    async with live_server() as server, visit(browser, server.url) as visitor:
        await visitor.say(LONG)
        await visitor.until_event("word", 3)
        (pid,) = server.performer_pids()
        os.kill(pid, signal.SIGKILL)
        await visitor.until_event("utterance.ended")
        (ended,) = await visitor.events("utterance.ended")
        assert ended["reason"] == "failed"
        assert ended["code"] == "performer_lost"
        assert ended["message"] in await visitor.page.inner_text("#toast")
        assert await visitor.page.inner_text(".said-note") == ended["message"]

        await visitor.until("document.querySelector('#state-text').textContent === 'Live'")
        frames = len(await visitor.get("frameTimes"))
        failed = await visitor.now()
        await asyncio.sleep(1.5)
        assert len(await visitor.get("frameTimes")) - frames >= 20, "the picture stands still"
        assert (await visitor.heard()).between(failed + 500, np.inf).max() < SPEECH
        assert await visitor.get("state") == "live"
        await check_speaks(visitor)
        assert server.performer_pids() != [pid]


async def test_another_engine_that_takes_over_is_told_and_stays_in_the_history(
    server: LiveServer, browser: Browser
):
    async with visit(browser, server.url) as visitor:
        await visitor.say("안녕하세요.")
        await visitor.until_event("notice")
        (notice,) = await visitor.events("notice")
        assert notice["code"] == "engine_fallback"
        assert await visitor.page.inner_text("#toast") == notice["message"]
        await visitor.until_event("utterance.ended")
        note = visitor.page.locator(".said-note").first
        told = await note.inner_text()
        assert " s · first sound after " in told and told.endswith(" · another engine took over")
        assert await note.get_attribute("title") == notice["message"]
        # What is said next has nothing to do with it.
        await visitor.listen("Hello.")
        assert "engine" not in await visitor.page.locator(".said-note").first.inner_text()
