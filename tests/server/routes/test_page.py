from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.server.conftest import Live

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]


async def launch(browsers) -> Browser:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path is not None, "No Chromium is installed. On Debian: apt-get install chromium"
    return await browsers.chromium.launch(executable_path=path, args=FLAGS)


async def until(page: Page, condition: str) -> None:
    """Wait for a condition; the page's own policy forbids the eval that wait_for_function uses."""
    async with asyncio.timeout(20):
        await page.evaluate(
            f"async () => {{ while (!({condition})) await new Promise((r) => setTimeout(r, 20)); }}"
        )


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_a_person_opens_the_page_and_is_spoken_to(live: Live, transport: str):
    from playwright.async_api import async_playwright

    complaints: list[str] = []
    async with async_playwright() as browsers:
        browser = await launch(browsers)
        page = await browser.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(live.url)
        await page.check(f"input[value={transport}]", force=True)
        await until(
            page, f"lipstream?.state === 'live' && lipstream.transport?.startsWith('{transport[:3]}')"
        )
        await page.fill("#text", "Hello there!")
        await page.click("#speak")
        await until(page, "lipstream.events.some(({event}) => event.type === 'utterance.ended')")
        events = await page.evaluate("window.lipstream.events.map(({event}) => event)")
        session = await page.evaluate("window.lipstream.session")
        await page.goto("about:blank")
        await browser.close()
    ended = next(event for event in events if event["type"] == "utterance.ended")
    assert ended["reason"] == "completed"
    assert {"Hello", "there"} <= {event["text"] for event in events if event["type"] == "word"}
    assert session
    assert complaints == [], "the page runs under its own security policy without a complaint"


async def test_the_page_of_the_api_lists_every_operation_without_the_internet(live: Live):
    from playwright.async_api import async_playwright

    complaints: list[str] = []
    hosts: set[str] = set()
    async with httpx.AsyncClient(base_url=live.url) as http:
        paths = (await http.get("/openapi.json")).json()["paths"]
    wanted = {
        (method.upper(), path) for path, item in paths.items() for method in item if method != "options"
    }
    async with async_playwright() as browsers:
        browser = await launch(browsers)
        page = await browser.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: hosts.add(request.url.removeprefix(live.url)[:1]))
        await page.goto(f"{live.url}/docs")
        await until(page, "document.querySelector('main[aria-busy=false]')")
        listed = await page.evaluate(
            "[...document.querySelectorAll('.operation summary')].map((it) => it.innerText.split(/\\s+/, 2))"
        )
        await page.get_by_text("/v1/sessions/{session_id}/say", exact=True).click()
        fields = await page.inner_text(".operation[open] .fields >> nth=1")
        await browser.close()
    assert {(method, path) for method, path in listed} == wanted
    assert "text" in fields and "10000" in fields
    assert hosts == {"/"}
    assert complaints == []
