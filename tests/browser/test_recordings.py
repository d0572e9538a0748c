"""Speech that exists already: a chosen recording, and a microphone. The avatar says what they hold."""

from __future__ import annotations

import asyncio
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.async_api import Browser, FilePayload

from benchmarks.chromium import chromium
from benchmarks.live import LiveServer
from streaming.timing import SPEECH_RATE
from tests.support.lips import LEVEL_MS, SLOT_MS, STEP_MS, best_start, mouth_openings
from tests.support.reading import Reading, read_aloud
from tests.support.recordings import encoded, wav
from tests.support.visitor import Heard, Shown, Visitor, visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "Maybe Bob has more paper maps, but my mother may buy a big apple."
LIKENESS = 0.6
"""Of the lips that are seen to those that the sounds of the text ask for: about .7 where the face has to
listen, below .5 where it goes by loudness."""
SOUND_LIKENESS = 0.6
MOST_SKEW_MS = 90.0


def judge(shown: Shown, heard: Heard, reading: Reading, begun: float) -> None:
    """The recording is heard, and lips move with it."""
    starts = np.arange(begun - 1500, begun + 2500, STEP_MS)
    sound, likeness = best_start(heard.times, heard.levels, reading.levels, LEVEL_MS, starts)
    assert likeness >= SOUND_LIKENESS, f"the sound is like the recording by {likeness:.2f} only"
    openings = mouth_openings(shown.pictures)
    first = shown.media[0] + SLOT_MS * np.arange(np.ptp(shown.media) / SLOT_MS)
    lips, likeness = best_start(shown.media, openings, reading.apertures, SLOT_MS, first)
    assert likeness >= LIKENESS, f"lips follow the recording with a correlation of {likeness:.2f} only"
    late = lips + np.median(shown.times - shown.media) - sound
    assert abs(late) <= MOST_SKEW_MS, f"lips come {late:.0f} ms after the sound"


async def watch(visitor: Visitor, reading: Reading, ends: int = 1) -> None:
    """Look and listen until the recording has been said, then judge."""
    await visitor.until_event("utterance.ended", ends)
    await asyncio.sleep(0.7)
    shown = await visitor.recorded()
    (started, *_) = await visitor.events("utterance.started")
    judge(shown, await visitor.heard(), reading, started["time"])


@pytest.mark.parametrize("query", ["", "transport=websocket"], ids=["webrtc", "webcodecs"])
async def test_a_chosen_recording_is_said(server: LiveServer, browser: Browser, tmp_path: Path, query: str):
    reading = await read_aloud(TEXT)
    file = tmp_path / "speech.mp3"
    file.write_bytes(encoded(reading.pcm, SPEECH_RATE, "mp3", "libmp3lame", "s16p"))
    async with visit(browser, server.url, query) as visitor:
        page = visitor.page
        await page.set_input_files("#recording-file", file)
        assert await page.inner_text("#recording-name") == "speech.mp3"
        assert not await page.is_visible("#text")
        await visitor.record()
        await asyncio.sleep(0.5)
        await page.get_by_role("button", name="Speak").click()
        await watch(visitor, reading)
        (queued,) = await visitor.events("utterance.queued")
        assert queued["kind"] == "audio"
        assert await visitor.words() == []
        assert "Recorded speech" in await page.inner_text("#history")
        await page.get_by_role("button", name="Remove the recording").click()
        await visitor.listen("Text again.")
        assert await visitor.words() == ["Text", "again"]


async def test_a_recording_becomes_a_film(server: LiveServer, browser: Browser, tmp_path: Path):
    reading = await read_aloud(TEXT)
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        sound: FilePayload = {"name": "speech.wav", "mimeType": "audio/wav", "buffer": wav(reading.pcm)}
        await page.set_input_files("#recording-file", sound)
        await page.get_by_role("button", name="Save as MP4").click()
        await page.wait_for_selector("#render-files:not([hidden])")
        assert not await page.get_by_role("link", name="captions").is_visible()
        async with page.expect_download() as pending:
            await page.get_by_role("link", name="Download MP4").click()
        path = tmp_path / "film.mp4"
        await (await pending.value).save_as(path)
    with av.open(path) as container:
        pictures = [frame.to_ndarray(format="bgr24").astype(np.uint8) for frame in container.decode(video=0)]
    assert len(pictures) == len(reading.mouths)
    openings = mouth_openings(pictures)
    likeness = np.corrcoef(openings, reading.apertures)[0, 1]
    assert likeness >= LIKENESS, f"lips follow the recording with a correlation of {likeness:.2f} only"


async def test_what_is_no_recording_is_refused_with_a_reason(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        note: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}
        await page.set_input_files("#recording-file", note)
        assert "is no recording" in await page.inner_text("#form-error")
        assert await page.is_visible("#text")
        noise: FilePayload = {"name": "a.mp3", "mimeType": "audio/mpeg", "buffer": b"not sound" * 99}
        await page.set_input_files("#recording-file", noise)
        await page.get_by_role("button", name="Speak").click()
        await visitor.until("!document.querySelector('#form-error').hidden")
        assert "a.mp3" not in await page.inner_text("#form-error")
        visitor.forgive("422", "415")


PASTE = """([name, type, text]) => {
  const data = new DataTransfer();
  data.items.add(new File(["x"], name, { type }));
  if (text) data.setData("text/plain", text);
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector("#text").dispatchEvent(paste);
  return paste.defaultPrevented;
}"""


async def test_a_recording_may_be_pasted_and_text_that_comes_with_a_picture_is_text(
    server: LiveServer, browser: Browser
):
    async with visit(browser, server.url) as visitor:
        assert not await visitor.page.evaluate(PASTE, ["cells.png", "image/png", "some cells"])
        assert await visitor.page.is_hidden("#form-error")
        assert await visitor.page.evaluate(PASTE, ["speech.mp3", "audio/mpeg", ""])
        assert await visitor.page.inner_text("#recording-name") == "speech.mp3"


@pytest.mark.parametrize("query", ["", "transport=websocket"], ids=["webrtc", "webcodecs"])
async def test_the_microphone_is_repeated(server: LiveServer, tmp_path: Path, query: str):
    reading = await read_aloud(TEXT)
    heard = tmp_path / "microphone.wav"
    silence = np.zeros(SPEECH_RATE, np.float32)
    heard.write_bytes(wav(np.concatenate((silence, reading.pcm, silence, silence, silence))))
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}%noloop",
    )
    async with chromium(*flags) as browser, visit(browser, server.url, query) as visitor:
        page = visitor.page
        await visitor.record()
        await page.get_by_role("button", name="Microphone").click()
        assert await page.get_attribute("#microphone", "aria-pressed") == "true"
        await watch(visitor, reading)
        await page.get_by_role("button", name="Stop the microphone").click()
        assert await page.get_attribute("#microphone", "aria-pressed") == "false"
        assert await page.is_hidden("#microphone-hint")
        assert (await visitor.events("utterance.ended"))[0]["reason"] == "completed"
        await visitor.listen("Text again.")
