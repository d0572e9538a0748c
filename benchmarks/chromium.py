"""A real, headless Chromium with the page open, for benchmarks and browser tests."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


def executable() -> str:
    """Where the browser is.

    Raises:
        FileNotFoundError: none is installed.
    """
    for name in NAMES:
        if (path := shutil.which(name)) is not None:
            return path
    raise FileNotFoundError("No Chromium is installed. On Debian: apt-get install chromium")


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    """A browser that is closed at the end; ``flags`` are for what one use needs beyond :data:`FLAGS`."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def live_page(browser: Browser, url: str, query: str = "probe=1") -> AsyncIterator[Page]:
    """The demo page, connected and showing its first picture."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    try:
        page = await context.new_page()
        await page.goto(f"{url}/?{query}")
        await page.wait_for_function("window.lipstream?.state === 'live'", timeout=20_000)
        yield page
        await page.goto("about:blank")
    finally:
        await context.close()
