"""A visitor makes a voice of their own: recorded or chosen, checked, listed, heard, deleted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser, FilePayload, Page

from benchmarks.chromium import chromium
from benchmarks.live import LiveServer, live_server
from streaming.timing import SPEECH_RATE
from tests.support.profiles import PEOPLE, SPEECH, WORDS, spoken
from tests.support.recordings import tone, wav
from tests.support.visitor import visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MADE = "!document.querySelector('#voice-facts').hidden"
ERROR = "!document.querySelector('#voice-error').hidden"


async def open_panel(page: Page) -> None:
    await page.wait_for_selector("#voices:not([hidden])")
    await page.click("#voices summary")


async def fill(page: Page, name: str) -> None:
    await page.fill("#voice-name", name)
    await page.check("#voice-consent")


async def test_a_chosen_recording_becomes_a_voice_and_goes_again(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        await open_panel(page)
        await page.set_input_files("#voice-file", SPEECH)
        await fill(page, "Alan")
        await page.fill("#voice-transcript", WORDS)
        await page.get_by_role("button", name="Make the voice").click()
        await visitor.until(MADE)
        assert await page.inner_text("#voice-state") == "The voice of Alan is made."
        assert "Speech" in await page.inner_text("#voice-facts")
        assert "8 to 20 s" in await page.inner_text("#voice-notes")
        item = page.locator(".voice-item", has_text="Alan")
        assert "English, with transcript" in await item.inner_text()
        assert "qwen3" in await page.inner_text("#voice-needs")

        async with page.expect_response(lambda answer: answer.url.endswith("/reference.wav")) as heard:
            await page.get_by_role("button", name="Listen to Alan").click()
        assert (await heard.value).status == 200
        page.on("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Delete Alan").click()
        await visitor.until("!document.querySelector('.voice-item')")


async def test_a_refusal_shows_why_and_what_was_measured(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        await open_panel(page)
        sound: FilePayload = {"name": "tone.wav", "mimeType": "audio/wav", "buffer": wav(tone(24_000, 4))}
        await page.set_input_files("#voice-file", sound)
        await fill(page, "A tone")
        await page.get_by_role("button", name="Make the voice").click()
        await visitor.until(ERROR)
        assert "of speech" in (await page.inner_text("#voice-error")).replace("No speech", "of speech")
        assert await page.is_visible("#voice-facts")
        assert await page.locator(".voice-item").count() == 0
        visitor.forgive("422")


async def test_nothing_is_sent_without_a_recording_or_consent(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.method + request.url))
        await open_panel(page)
        await page.fill("#voice-name", "Alan")
        await page.get_by_role("button", name="Make the voice").click()
        assert not await page.evaluate("document.querySelector('#voice-form').checkValidity()")
        await page.check("#voice-consent")
        await page.get_by_role("button", name="Make the voice").click()
        assert "Record your voice" in await page.inner_text("#voice-error")
        note: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}
        await page.set_input_files("#voice-file", note)
        assert "no recording" in await page.inner_text("#voice-error")
        assert not [line for line in sent if line.startswith("POST") and line.endswith("/v1/voices")]


async def test_the_microphone_makes_a_voice(server: LiveServer, tmp_path: Path):
    heard = tmp_path / "microphone.wav"
    quiet = np.zeros(SPEECH_RATE // 2, np.float32)
    heard.write_bytes(wav(np.concatenate((quiet, spoken(PEOPLE / "sonnet_1.opus"), quiet))))
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}%noloop",
    )
    async with chromium(*flags) as browser, visit(browser, server.url) as visitor:
        page = visitor.page
        await open_panel(page)
        await page.get_by_role("button", name="Record", exact=True).click()
        await visitor.until("/0:06/.test(document.querySelector('#voice-record-label').textContent)")
        assert await page.get_attribute("#voice-record", "aria-pressed") == "true"
        assert await page.is_visible("#voice-hint")
        await page.click("#voice-record")
        await visitor.until("!document.querySelector('#voice-recording').hidden")
        assert await page.inner_text("#voice-record-label") == "Record"
        assert await page.is_hidden("#voice-hint")
        await fill(page, "Recorded")
        await page.get_by_role("button", name="Make the voice").click()
        await visitor.until(MADE)
        assert "sound only" in await page.locator(".voice-item", has_text="Recorded").inner_text()


async def test_the_voice_is_made_of_what_was_said_until_the_form_is_sent(tmp_path: Path):
    heard = tmp_path / "microphone.wav"
    heard.write_bytes(wav(spoken(PEOPLE / "sonnet_1.opus")))
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}",
    )
    # One voice fills this server: what became of it must be seen without the form, too.
    async with live_server(MAX_VOICE_PROFILES="1") as server:
        async with chromium(*flags) as browser, visit(browser, server.url) as visitor:
            page = visitor.page
            await open_panel(page)
            await fill(page, "Hasty")
            await page.get_by_role("button", name="Record", exact=True).click()
            await visitor.until("/0:06/.test(document.querySelector('#voice-record-label').textContent)")
            await page.get_by_role("button", name="Make the voice").click()
            await visitor.until(MADE)
            await page.wait_for_selector("#voice-form", state="hidden")
            assert await page.inner_text("#voice-state") == "The voice of Hasty is made."
            assert await page.is_visible("#voice-facts")
            assert "Delete one" in await page.inner_text("#voice-full")
            page.on("dialog", lambda dialog: dialog.accept())
            await page.get_by_role("button", name="Delete Hasty").click()
            await page.wait_for_selector("#voice-form", state="visible")
            assert await page.is_hidden("#voice-full")


async def test_a_voice_that_became_somebody_elses_or_went_away_takes_its_buttons_along(
    server: LiveServer, browser: Browser
):
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        await open_panel(page)
        await page.set_input_files("#voice-file", SPEECH)
        await fill(page, "Fleeting")
        await page.get_by_role("button", name="Make the voice").click()
        await visitor.until(MADE)
        item = page.locator(".voice-item", has_text="Fleeting")
        await item.get_by_role("button", name="Listen").wait_for()
        token = await page.evaluate("JSON.parse(localStorage.getItem('lipstream.voice-tokens')).fleeting")
        await page.evaluate(
            "localStorage.setItem('lipstream.voice-tokens', JSON.stringify({fleeting: 'v_old'}))"
        )
        await page.reload()
        await open_panel(page)
        await item.get_by_role("button", name="Listen").click()
        await visitor.until(ERROR)
        assert "token" in await page.inner_text("#voice-error")
        # The list is asked for anew when that is told.
        await item.get_by_role("button").first.wait_for(state="detached")
        assert await item.count() == 1 and await item.get_by_role("button").count() == 0

        await page.evaluate(
            "(token) => localStorage.setItem('lipstream.voice-tokens', JSON.stringify({fleeting: token}))",
            token,
        )
        await page.reload()
        await open_panel(page)
        await page.evaluate(
            "(headers) => fetch('v1/voices/fleeting', {method: 'DELETE', headers})",
            {"Authorization": f"Bearer {token}"},
        )
        await item.get_by_role("button", name="Listen").click()
        await item.wait_for(state="detached")
        visitor.forgive("401")
        visitor.forgive("404")


async def test_others_see_a_voice_and_cannot_touch_it(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        await open_panel(visitor.page)
        await visitor.page.set_input_files("#voice-file", SPEECH)
        await fill(visitor.page, "Shared")
        await visitor.page.get_by_role("button", name="Make the voice").click()
        await visitor.until(MADE)
    async with visit(browser, server.url) as other:
        await open_panel(other.page)
        item = other.page.locator(".voice-item", has_text="Shared")
        # The list is asked for anew when that is told.
        await item.get_by_role("button").first.wait_for(state="detached")
        assert await item.count() == 1 and await item.get_by_role("button").count() == 0


async def test_the_panel_stays_away_where_no_voices_are_taken(browser: Browser):
    async with live_server(MAX_VOICE_PROFILES="0") as server, visit(browser, server.url) as visitor:
        await visitor.until("document.querySelectorAll('#voice option').length > 1")
        assert await visitor.page.is_hidden("#voices")
