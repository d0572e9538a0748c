"""What a person at a browser gets: first picture, lip sync, and how soon an interrupt is heard."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page

from benchmarks.chromium import chromium, live_page
from benchmarks.live import live_server
from benchmarks.result import Row

CONNECTS = 12
BETWEEN_SECONDS = 1.0
SETTLE_SECONDS = 6
SKEW_SECONDS = 40
INTERRUPTS = 12
TAP = (Path(__file__).parent / "tap.js").read_text()
SPEAK = """async (text) => {
  const box = document.querySelector("textarea");
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  document.querySelector("#composer").requestSubmit();
}"""
INTERRUPT = """async () => {
  const before = performance.now();
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  return before;
}"""
STALE_AFTER_MS = 120
"""Later than this after an interrupt nothing old may be seen or heard any more."""


async def _connects(url: str) -> list[float]:
    times = []
    async with chromium() as browser:
        for _ in range(CONNECTS):
            async with live_page(browser, url) as page:
                await page.wait_for_function("window.lipstream.latency.picture !== null")
                times.append(await page.evaluate("window.lipstream.latency.picture"))
            await asyncio.sleep(BETWEEN_SECONDS)
    return times


def _onsets(times: list[float], gap: float) -> list[float]:
    """The times that come after at least ``gap`` without one."""
    return [now for before, now in zip([-1e9, *times], times, strict=False) if now - before > gap]


def skews(tap: dict[str, Any]) -> list[float]:
    """Sound minus picture in milliseconds, for each beep with a flash near it."""
    flashes = _onsets([shown for shown, bright in tap["frames"] if bright], 400)
    beeps = _onsets([first for _, first, _ in tap["sound"] if first is not None], 400)
    found = []
    for beep in beeps:
        nearest = min(flashes, key=lambda flash: abs(flash - beep), default=None)
        if nearest is not None and abs(nearest - beep) < 400:
            found.append(beep - nearest)
    return found


async def _skews(page: Page) -> list[float]:
    await page.evaluate(TAP)
    await page.evaluate(SPEAK, "beep" + "." * (SETTLE_SECONDS + SKEW_SECONDS))
    await asyncio.sleep(SETTLE_SECONDS + SKEW_SECONDS)
    found = skews(await page.evaluate("window.__tap"))
    await page.evaluate(INTERRUPT)
    await asyncio.sleep(1)
    return found[SETTLE_SECONDS:]


async def _interrupts(page: Page) -> tuple[list[float], int]:
    """Milliseconds from the key to the last sound out of the jitter buffer, and what came too late."""
    last, stale = [], 0
    for number in range(INTERRUPTS):
        await page.evaluate(SPEAK, "tone" + "." * 30)
        await asyncio.sleep(1.2 + number * 0.007)
        pressed = await page.evaluate(INTERRUPT)
        await asyncio.sleep(0.8)
        tap = await page.evaluate("window.__tap")
        heard = [end for _, _, end in tap["sound"] if end is not None]
        last.append(max(0.0, heard[-1] - pressed))
        stale += sum(end - pressed > STALE_AFTER_MS for end in heard)
        stale += sum(bright and shown - pressed > STALE_AFTER_MS for shown, bright in tap["frames"])
        await page.evaluate("() => { window.__tap.frames.length = 0; window.__tap.sound.length = 0; }")
    return last, stale


async def measure() -> list[Row]:
    async with live_server() as server:
        connects = await _connects(server.url)
    async with live_server("-m", "benchmarks.pattern") as server, chromium() as browser:
        async with live_page(browser, server.url) as page:
            skew = await _skews(page)
            interrupts, stale = await _interrupts(page)
    away = [abs(value) for value in skew]
    return [
        Row("connect to first picture, median", statistics.median(connects), "ms", 250),
        Row("connect to first picture, worst", max(connects), "ms"),
        Row("audio minus video, median", statistics.median(skew), "ms"),
        Row("audio-video skew, p95", float(np.percentile(away, 95)), "ms", 40, note=f"{len(skew)} beeps"),
        Row(
            "interrupt to last sound out of the jitter buffer, median",
            statistics.median(interrupts),
            "ms",
            80,
        ),
        Row("interrupt to last sound out of the jitter buffer, worst", max(interrupts), "ms"),
        Row("stale sound or frames after an interrupt", stale, "pieces", 0),
    ]
