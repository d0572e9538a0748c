"""Somebody who visits the page with a real browser, under the page's own security policy."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize

PATIENCE_SECONDS = 20.0
DESKTOP = ViewportSize(width=1280, height=800)
RECORDER = (Path(__file__).parent / "recorder.js").read_text(encoding="utf-8")
ONLY_VP8 = """
const add = RTCPeerConnection.prototype.addTransceiver;
RTCPeerConnection.prototype.addTransceiver = function (kind, ...rest) {
  const transceiver = add.call(this, kind, ...rest);
  if (kind === "video") {
    const { codecs } = RTCRtpReceiver.getCapabilities("video");
    transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === "video/VP8"));
  }
  return transceiver;
};
"""
COMPLAIN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""
STATE = """() => {
  const { state, transport, error, events } = window.lipstream ?? {};
  const form = document.querySelector("#form-error")?.textContent;
  const last = events?.slice(-5).map(({ event }) => JSON.stringify(event));
  return [`${state} over ${transport}, ${error}, form: ${form}, last events:`, ...(last ?? [])].join("\\n");
}"""
SEEN = """() => {
  const live = document.querySelector("#stage").dataset.surface === "picture" ? "#picture" : "#live";
  const canvas = new OffscreenCanvas(64, 64);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(document.querySelector(live), 0, 0, 64, 64);
  return [...pen.getImageData(0, 0, 64, 64).data];
}"""


@dataclass(frozen=True, slots=True)
class Shown:
    """Pictures as they were shown.

    Attributes:
        times: milliseconds of the page's clock.
        media: milliseconds of the stream, from any start.
        pictures: BGR.
    """

    times: NDArray[np.float64]
    media: NDArray[np.float64]
    pictures: list[NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Heard:
    """Loudness as it was heard: the start of each 10 ms in milliseconds of the page's clock, and its RMS."""

    times: NDArray[np.float64]
    levels: NDArray[np.float64]

    def between(self, start: float, end: float) -> NDArray[np.float64]:
        """The levels of this span."""
        return self.levels[(self.times >= start) & (self.times < end)]


@dataclass(slots=True)
class Visitor:
    """One page, and what its browser complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def read(self, line: ConsoleMessage) -> None:
        """Note an error of the console and where it comes from."""
        if line.type == "error":
            self.complaints.append(f"{line.text} {line.location['url']}")

    def forgive(self, *parts: str) -> None:
        """Drop the complaints that hold one of these."""
        self.complaints = [
            complaint for complaint in self.complaints if not any(part in complaint for part in parts)
        ]

    async def until(self, condition: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until an expression holds. The page's policy forbids the eval of wait_for_function."""
        loop = f"async () => {{ while (!({condition})) await new Promise((r) => setTimeout(r, 20)); }}"
        try:
            async with asyncio.timeout(seconds):
                await self.page.evaluate(loop)
        except TimeoutError:
            state = await self.page.evaluate(STATE)
            raise AssertionError(f"after {seconds} s still not: {condition}\n{state}") from None

    async def until_live(self, seconds: float = PATIENCE_SECONDS) -> None:
        await self.until("window.lipstream?.state === 'live' && lipstream.transport", seconds)

    async def get(self, name: str) -> Any:
        """A property of ``window.lipstream``."""
        return await self.page.evaluate(f"window.lipstream.{name}")

    async def now(self) -> float:
        """The page's clock in milliseconds."""
        return await self.page.evaluate("performance.now()")

    async def events(self, *kinds: str) -> list[dict[str, Any]]:
        """Events so far, of these types; each with the ``time`` of its arrival."""
        found = [{**entry["event"], "time": entry["time"]} for entry in await self.get("events")]
        return [event for event in found if not kinds or event["type"] in kinds]

    async def words(self, utterance: str | None = None) -> list[str]:
        """The words said so far."""
        words = await self.events("word")
        return [word["text"] for word in words if utterance in (None, word["utterance"])]

    async def say(self, text: str) -> None:
        """Write and press Enter."""
        await self.page.fill("#text", text)
        await self.page.press("#text", "Enter")

    async def until_event(self, kind: str, count: int = 1) -> None:
        await self.until(f"lipstream.events.filter(({{event}}) => event.type === '{kind}').length >= {count}")

    async def listen(self, text: str) -> None:
        """Let the avatar say something and hear it to its end."""
        before = len(await self.events("utterance.ended"))
        await self.say(text)
        await self.until_event("utterance.ended", before + 1)

    async def look(self) -> NDArray[np.float64]:
        """What the live surface shows, as (64, 64, 3) RGB, 0..255."""
        flat = await self.page.evaluate(SEEN)
        return np.array(flat, np.float64).reshape(64, 64, 4)[..., :3]

    async def heard(self) -> Heard:
        """All sound so far. The media's own time is even; it is laid onto the page's clock as a whole."""
        chunks = await self.page.evaluate(
            "lipstream.audioLevels.map(({time, media, rms}) => [time, media, rms])"
        )
        times, media, levels = np.array(chunks, np.float64).reshape(-1, 3).T
        even = media * 1000
        return Heard(even + np.median(times - even) if len(times) else times, levels)

    async def record(self) -> None:
        """Keep what is shown from now on."""
        await self.page.evaluate("recorder.start()")

    async def recorded(self) -> Shown:
        """Stop recording; what was shown."""
        pictures = await self.page.evaluate("recorder.stop()")
        return Shown(
            np.array([picture["time"] for picture in pictures]),
            np.array([picture["media"] for picture in pictures]),
            [_decode(picture["jpeg"]) for picture in pictures],
        )


def _decode(jpeg: str) -> NDArray[np.uint8]:
    data = np.frombuffer(base64.b64decode(jpeg), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8, copy=False)


@asynccontextmanager
async def visit(
    browser: Browser,
    url: str,
    query: str = "",
    *,
    scripts: tuple[str, ...] = (),
    viewport: ViewportSize = DESKTOP,
) -> AsyncIterator[Visitor]:
    """A new browser profile with the page open and connected; sound is allowed.

    Fails at the end when the browser complained: an error in the console, an exception, a breach of the
    page's own policy. Tests that break things on purpose :meth:`Visitor.forgive` what follows from it.
    """
    context = await browser.new_context(viewport=viewport)
    try:
        for script in (COMPLAIN, RECORDER, *scripts):
            await context.add_init_script(script)
        visitor = Visitor(await context.new_page())
        visitor.page.on("console", lambda line: visitor.read(line))
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        await visitor.page.goto(f"{url}/?probe=1&{query}")
        await visitor.until_live()
        yield visitor
        visitor.complaints += await visitor.page.evaluate("violations")
        # Leaving the page tells the server that the viewer is gone.
        await visitor.page.goto("about:blank")
    finally:
        await context.close()
    assert not visitor.complaints, f"the browser complained: {visitor.complaints}"
