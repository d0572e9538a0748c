"""A visitor makes an avatar of a photo, sees how, hears it talk; refusals, and what survives what."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, FileChooser, FilePayload, Page
from skimage import data

from benchmarks.chromium import chromium
from benchmarks.live import LiveServer, free_port, live_server
from tests.support.visitor import PATIENCE_SECONDS, Visitor, visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MAKING_SECONDS = 120.0
"""The most that a photo takes on a machine that has much else to do."""
MADE = "!document.querySelector('#made').hidden"
AT_WORK = "document.querySelector('.step-picture img')?.complete"
REFUSED = "!document.querySelector('#refusal').hidden"
FORM = "!document.querySelector('#maker-form').hidden"
MINE = ".avatar-own"
NEARER = """async () => {
  const pixels = (picture) => {
    const pen = new OffscreenCanvas(64, 64).getContext("2d");
    pen.drawImage(picture, 0, 0, 64, 64);
    return pen.getImageData(0, 0, 64, 64).data;
  };
  const seen = pixels(document.querySelector("#made-live"));
  const distances = {};
  for (const input of document.querySelectorAll("#avatar-cards input")) {
    const poster = input.closest("label").querySelector("img");
    poster.loading = "eager";
    await poster.decode();
    const other = pixels(poster);
    distances[input.value] = seen.reduce((sum, value, i) => sum + Math.abs(value - other[i]), 0);
  }
  return Object.keys(distances).sort((a, b) => distances[a] - distances[b])[0];
}"""
"""Whose poster the talking preview is nearest to."""
FOCUSED = "() => document.activeElement?.id || document.activeElement?.value || ''"
MOST_TABS = 40


def encoded(picture: np.ndarray, kind: str = ".jpg") -> bytes:
    """A BGR picture as a file."""
    done, found = cv2.imencode(kind, picture)
    assert done
    return found.tobytes()


def astronaut() -> FilePayload:
    """A woman who looks into the camera (NASA, public domain)."""
    picture = np.ascontiguousarray(data.astronaut()[..., ::-1])
    return {"name": "astronaut.jpg", "mimeType": "image/jpeg", "buffer": encoded(picture)}


def cup() -> FilePayload:
    """Nobody."""
    picture = np.ascontiguousarray(data.coffee()[..., ::-1])
    return {"name": "cup.png", "mimeType": "image/png", "buffer": encoded(picture, ".png")}


async def open_maker(page: Page) -> None:
    await page.click("#maker-open")
    await page.wait_for_selector("#maker[open] #maker-form")


async def fill(page: Page, file: FilePayload, name: str) -> None:
    await page.set_input_files("#source-file", file)
    await page.fill("#maker-name", name)
    await page.get_by_role("radio", name="The person agreed").check()
    await page.fill("#consent-text", "NASA publishes it.")


async def begin(visitor: Visitor, name: str) -> None:
    """Order an avatar of the astronaut, and wait until the first picture of a step is there."""
    await open_maker(visitor.page)
    await fill(visitor.page, astronaut(), name)
    await visitor.page.get_by_role("button", name="Make the avatar").click()
    await visitor.until(AT_WORK, MAKING_SECONDS)


async def test_a_photo_becomes_an_avatar_that_talks_over_a_reload_and_goes_as_a_file(
    server: LiveServer, browser: Browser, tmp_path: Path
):
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        await begin(visitor, "Eileen")
        assert await page.inner_text("#maker-title") == "Making Eileen"
        assert await page.inner_text("#maker-card-text") == "Making Eileen"

        await page.reload()
        await visitor.until_live()
        await page.wait_for_selector("#maker[open] #work")
        await visitor.until(MADE, MAKING_SECONDS)
        assert await page.inner_text("#maker-title") == "Eileen is ready"
        await page.wait_for_selector("#made-before")
        # Before a gesture, a browser that wants one shows a button instead.
        if await page.inner_text("#made-again-text") == "Hear it speak":
            await page.click("#made-again")
        await visitor.until_event("word", 3)
        assert "I am Eileen" in await page.inner_text("#made-said")
        assert await visitor.get("avatar") == "eileen"
        assert await page.evaluate(NEARER) == "eileen"
        await visitor.until_event("utterance.ended")
        assert (await visitor.events("utterance.ended"))[0]["reason"] == "completed"
        assert "Size of the face" in await page.inner_text("#made-facts")
        await page.click("#made summary")
        steps = page.locator("#made-steps .step[data-status=done]")
        assert await steps.count() >= 5
        await page.locator("#made-steps .step-picture").first.click()
        assert await page.is_visible("dialog.larger img")
        await page.keyboard.press("Escape")

        async with page.expect_download() as pending:
            await page.click("#made-export")
        saved = tmp_path / (await pending.value).suggested_filename
        await (await pending.value).save_as(saved)
        assert saved.name == "eileen.lipstream"

        await page.get_by_role("button", name="Talk to it").click()
        assert await page.is_hidden("#maker")
        assert await page.evaluate(FOCUSED) == "text"
        assert await page.is_checked("input[value=eileen]")
        await visitor.listen("I am here.")
        await delete(page, "Eileen")
        await visitor.until("!document.querySelector('.avatar-own') && lipstream.avatar === 'mira'")

        await page.set_input_files("#import-file", saved)
        await visitor.until("lipstream.avatar === 'eileen'")
        assert await page.is_checked("input[value=eileen]")
        await page.set_input_files("#import-file", saved)
        await page.get_by_role("button", name="Import it beside").click()
        await visitor.until(f"document.querySelectorAll('{MINE}').length === 2")
        note = tmp_path / "note.lipstream"
        note.write_text("no avatar")
        await page.set_input_files("#import-file", note)
        await page.wait_for_selector("#import-error:not([hidden])")
        assert await page.is_hidden("#import-copy")
        await delete(page, "Eileen")
        await visitor.until(f"document.querySelectorAll('{MINE}').length === 1")
        await delete(page, "Eileen")
        visitor.forgive("409", "422", "400")


async def delete(page: Page, name: str) -> None:
    """By the menu at the card."""
    page.once("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name=f"{name}: save or delete").first.click()
    await page.get_by_role("button", name="Delete", exact=True).click()


async def test_a_refusal_is_told_in_words_and_leaves_the_fields(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        await open_maker(page)
        await fill(page, cup(), "Nobody")
        await page.locator("input[name=background][value=colour]").check(force=True)
        await page.get_by_label("Sage").check(force=True)
        await page.get_by_role("button", name="Make the avatar").click()
        await visitor.until(REFUSED, MAKING_SECONDS)
        assert await page.inner_text("#refusal-title") == "No face was found"
        assert len(await page.inner_text("#refusal-text")) > 40
        assert await page.locator("#work-steps [data-status=failed]").count() == 1
        await page.get_by_role("button", name="Try another picture").click()
        assert await page.is_visible("#zone-empty")
        assert await page.evaluate(FOCUSED) == "source-pick"
        assert await page.input_value("#maker-name") == "Nobody"
        assert await page.is_checked("input[name=background][value=colour]")
        assert await page.get_by_label("Sage").is_checked()
        assert await page.input_value("#consent-text") == "NASA publishes it."

        await page.set_input_files("#source-file", {**cup(), "buffer": b"no picture" * 9})
        await page.get_by_role("button", name="Make the avatar").click()
        await page.wait_for_selector("#maker-error:not([hidden])")
        assert "neither a photo nor a video" in await page.inner_text("#maker-error")
        assert await page.inner_text("#source-name") == "cup.png"
        visitor.forgive("422")


async def test_keys_alone_order_an_avatar_and_cancel_it(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        page, keyboard = visitor.page, visitor.page.keyboard

        async def tab_to(name: str) -> None:
            for _ in range(MOST_TABS):
                if await page.evaluate(FOCUSED) == name:
                    return
                await keyboard.press("Tab")
            raise AssertionError(f"Tab never reaches {name}")

        # Asked for long before: the browser is told to hand it over, which takes a while.
        chosen: asyncio.Future[FileChooser] = asyncio.get_running_loop().create_future()
        page.once("filechooser", lambda chooser: chosen.set_result(chooser))
        await page.wait_for_selector("#maker-open")
        await page.focus("#maker-open")
        await keyboard.press("Enter")
        await page.wait_for_selector("#maker[open]")
        await tab_to("source-pick")
        await keyboard.press("Enter")
        await (await asyncio.wait_for(chosen, PATIENCE_SECONDS)).set_files(astronaut())
        await tab_to("maker-name")
        await keyboard.type("Keys")
        await tab_to("keep")
        await keyboard.press("ArrowRight")
        assert await page.is_checked("input[name=background][value=blur]")
        await tab_to("This is me.")
        await keyboard.press("Space")
        await tab_to("maker-make")
        await keyboard.press("Enter")
        await visitor.until(AT_WORK, MAKING_SECONDS)
        assert await page.evaluate(FOCUSED) == "maker-title", "what has the focus must not vanish"
        await tab_to("work-cancel")
        await keyboard.press("Enter")
        await visitor.until(FORM)
        assert await page.input_value("#maker-name") == "Keys"
        assert await page.inner_text("#source-name") == "astronaut.jpg"
        await keyboard.press("Escape")
        assert await page.is_hidden("#maker")
        assert await page.evaluate(FOCUSED) == "maker-open"
        assert await page.inner_text("#maker-card-text") == "Make your own"
        assert await page.locator(MINE).count() == 0


@pytest.mark.timeout(240)
async def test_a_server_that_dies_at_work_goes_on_when_it_is_back(browser: Browser, tmp_path: Path):
    port = free_port()
    async with AsyncExitStack() as servers:
        first = await servers.enter_async_context(live_server(port=port, DATA_DIR=str(tmp_path)))
        async with visit(browser, first.url) as visitor:
            page = visitor.page
            await begin(visitor, "Phoenix")
            first.kill()
            await visitor.until(
                "/does not answer/.test(document.querySelector('#work-hint').textContent)", 60
            )
            await servers.enter_async_context(live_server(port=port, DATA_DIR=str(tmp_path)))
            await visitor.until(MADE, MAKING_SECONDS)
            await visitor.until_event("word", 3)
            assert await page.locator(MINE).count() == 1
            visitor.forgive("ERR_CONNECTION", "404 (Not Found)", "WebSocket connection", "ERR_EMPTY")


async def test_what_the_browser_knows_better_is_not_sent(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.method))
        await open_maker(page)
        note: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}
        await page.set_input_files("#source-file", note)
        assert "no photo or video" in await page.inner_text("#source-error")
        await page.fill("#maker-name", "A")
        await page.get_by_role("radio", name="This is me").check()
        await page.get_by_role("button", name="Make the avatar").click()
        assert "Choose a photo" in await page.inner_text("#maker-error")
        await page.fill("#source-url", "ftp://example.org/a.jpg")
        await page.get_by_role("button", name="Make the avatar").click()
        assert "https" in await page.inner_text("#maker-error")
        phone: FilePayload = {"name": "phone.heic", "mimeType": "image/heic", "buffer": b"\0" * 99}
        await page.set_input_files("#source-file", phone)
        await page.wait_for_selector("#source-blind:not([hidden])")
        assert "phone.heic" in await page.inner_text("#source-blind-text")
        await page.locator("input[name=background][value=file]").check(force=True)
        await page.get_by_role("button", name="Make the avatar").click()
        assert "picture or the film" in await page.inner_text("#maker-error")
        assert "POST" not in sent


async def test_a_film_is_shown_before_it_is_sent_and_a_link_may_be_pasted(
    server: LiveServer, browser: Browser
):
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        await open_maker(page)
        idle = Path(__file__).parents[2] / "avatars" / "builtin" / "mira" / "idle.mp4"
        await page.set_input_files("#source-file", idle)
        await visitor.until("document.querySelector('#source-video').currentTime > 0")
        await page.get_by_role("button", name="Choose another one").click()
        await page.evaluate(PASTE, "https://example.org/anna.jpg")
        assert await page.input_value("#source-url") == "https://example.org/anna.jpg"
        await page.fill("#maker-name", "Anna")
        await page.get_by_role("radio", name="No real person").check()
        async with page.expect_response("**/v1/avatars") as answer:
            await page.get_by_role("button", name="Make the avatar").click()
        assert (await answer.value).request.post_data_json == {
            "url": "https://example.org/anna.jpg",
            "name": "Anna",
            "background": "keep",
            "consent": "This is no real person.",
        }
        await page.wait_for_selector("#maker-error:not([hidden])")
        visitor.forgive("422", "502")


async def test_the_camera_takes_a_photo(server: LiveServer):
    flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    async with chromium(*flags) as browser, visit(browser, server.url) as visitor:
        page = visitor.page
        await open_maker(page)
        await page.get_by_role("button", name="Take a photo").click()
        await page.get_by_role("button", name="Take the photo").click()
        await page.wait_for_selector("#source-image:not([hidden])")
        assert await page.inner_text("#source-name") == "photo.jpg"
        assert await page.evaluate("document.querySelector('#source-image').naturalWidth") >= 320
        assert await page.evaluate("document.querySelector('#camera-video').srcObject") is None
        await page.get_by_role("button", name="Choose another one").click()
        await page.get_by_role("button", name="Take a photo").click()
        await visitor.until("document.querySelector('#camera-video').srcObject")
        await page.keyboard.press("Escape")
        await visitor.until("document.querySelector('#camera-video').srcObject === null")


async def test_what_is_missing_or_too_large_is_told_before_anything_is_sent(browser: Browser):
    async with live_server(MAX_SOURCE_BYTES="20000") as server, visit(browser, server.url) as visitor:
        page = visitor.page
        await open_maker(page)
        await page.get_by_role("button", name="Take a photo").click()
        await page.wait_for_selector("#source-error:not([hidden])")
        assert "camera" in await page.inner_text("#source-error")
        assert await page.is_visible("#zone-empty")
        await page.set_input_files("#source-file", astronaut())
        told = await page.inner_text("#source-error")
        assert "astronaut.jpg has" in told and "takes 20 kB" in told
        assert await page.is_visible("#zone-empty")


PASTE = """(text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector("#source-pick").dispatchEvent(paste);
}"""
