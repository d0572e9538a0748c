"""Two visitors share a server and nothing else; players that know only WHEP are served too."""

from __future__ import annotations

import asyncio

import httpx
import numpy as np
import pytest
from playwright.async_api import Browser

from benchmarks.live import LiveServer
from tests.support.lips import LEVEL_MS, best_start
from tests.support.reading import read_aloud
from tests.support.visitor import visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIKENESS = 0.65
"""Loudness of another text correlates with less; under 1 where a buffer on the way stretched the sound."""
TEXTS = (
    "Apples ripen slowly, under a pale and patient autumn sun.",
    "Stop! Did you hear that? Somebody knocked, twice, on the old door.",
)


async def test_two_pages_never_hear_each_other(server: LiveServer, browser: Browser):
    readings = [await read_aloud(text) for text in TEXTS]
    async with visit(browser, server.url) as one, visit(browser, server.url, "transport=websocket") as two:
        pages = (one, two)
        assert await one.get("session") != await two.get("session")
        pressed = [await page.now() for page in pages]
        await asyncio.gather(*(page.listen(text) for page, text in zip(pages, TEXTS, strict=True)))
        await asyncio.sleep(0.7)
        for page, own, text, since in zip(pages, (0, 1), TEXTS, pressed, strict=True):
            (queued,) = await page.events("utterance.queued")
            assert queued["text"] == text
            words = await page.events("word")
            assert {word["utterance"] for word in words} == {queued["utterance"]}
            assert [word["text"] for word in words] == [word.strip(",.!?") for word in text.split()]
            heard = await page.heard()
            likeness = [
                best_start(
                    heard.times, heard.levels, reading.levels, LEVEL_MS, np.arange(since, since + 1500, 10)
                )[1]
                for reading in readings
            ]
            assert likeness[own] > LIKENESS
            assert likeness[1 - own] < likeness[own] - 0.1


WATCH = """async () => {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  peer.addTransceiver("video", { direction: "recvonly" });
  peer.addTransceiver("audio", { direction: "recvonly" });
  const stream = new MediaStream(peer.getReceivers().map(({ track }) => track));
  const video = Object.assign(document.createElement("video"), { muted: true, srcObject: stream });
  document.body.append(video);
  video.play();
  await peer.setLocalDescription();
  const headers = { "Content-Type": "application/sdp" };
  const body = peer.localDescription.sdp;
  const answer = await fetch("/v1/whep?avatar=theo", { method: "POST", headers, body });
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  for (let frames = 0; frames < 20; frames++) {
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  }
  Object.assign(window, { peer });
  const canvas = new OffscreenCanvas(64, 64);
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0, 64, 64);
  const picture = [...pen.getImageData(0, 0, 64, 64).data];
  const location = answer.headers.get("Location");
  const hasChannel = /m=application/.test(body);
  return { status: answer.status, location, picture, width: video.videoWidth, hasChannel };
}"""
LEAVE = "async (path) => (await fetch(path, { method: 'DELETE' })).status"
LOST = """async () => {
  while (peer.connectionState === "connected") await new Promise((resolve) => setTimeout(resolve, 20));
}"""


async def test_a_plain_whep_player_watches_and_leaves(server: LiveServer, browser: Browser):
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:

        async def open_sessions() -> set[str]:
            return {session["id"] for session in (await http.get("/v1/sessions")).json()["sessions"]}

        before = await open_sessions()
        context = await browser.new_context(bypass_csp=True)
        page = await context.new_page()
        await page.goto(f"{server.url}/v1/avatars")
        watched = await page.evaluate(WATCH)
        assert watched["status"] == 201
        assert not watched["hasChannel"]
        assert watched["width"] == 512
        assert np.mean(watched["picture"]) > 40
        (session,) = await open_sessions() - before
        async with asyncio.timeout(10):
            assert await page.evaluate(LEAVE, watched["location"]) in (200, 204)
            await page.evaluate(LOST)
        await context.close()
        assert session not in await open_sessions()
