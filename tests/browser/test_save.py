"""Save as MP4: a film and its captions, downloaded as a person would."""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.async_api import Browser, Page

from benchmarks.live import LiveServer
from tests.support.reading import read_aloud
from tests.support.visitor import visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "A short film, made for you. It can be kept."
CUE = re.compile(r"(\d\d):(\d\d):([\d.]{6}) --> (\d\d):(\d\d):([\d.]{6})\n(.+?)(?:\n\n|\n?\Z)", re.DOTALL)


def seconds_of(hours: str, minutes: str, seconds: str) -> float:
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


async def download(page: Page, name: str, folder: Path) -> Path:
    async with page.expect_download() as pending:
        await page.get_by_role("link", name=name).click()
    loaded = await pending.value
    path = folder / loaded.suggested_filename
    await loaded.save_as(path)
    return path


async def test_a_film_and_its_captions_are_downloaded(server: LiveServer, browser: Browser, tmp_path: Path):
    reading = await read_aloud(TEXT)
    seconds = len(reading.mouths) / 25
    async with visit(browser, server.url) as visitor:
        page = visitor.page
        await page.fill("#text", TEXT)
        await page.get_by_role("button", name="Save as MP4").click()
        await page.wait_for_selector("#render-files:not([hidden])")
        assert await page.inner_text("#render-text") == "The film is ready."
        film = await download(page, "Download MP4", tmp_path)
        captions = await download(page, "Download captions (.vtt)", tmp_path)
        assert await visitor.get("state") == "live"
    assert film.suffix == ".mp4"
    assert captions.suffix == ".vtt"

    with av.open(film) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.average_rate) == (512, 512, 25)
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(seconds, abs=0.1)
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video)]
    assert len(pictures) == len(reading.mouths)
    assert all(picture.mean() > 40 for picture in pictures)
    assert np.abs(np.diff(np.array(pictures, np.int16), axis=0)).mean() > 0.1, "nothing moves"
    with av.open(film) as container:
        sound = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)])
        assert np.sqrt(np.mean(sound**2)) == pytest.approx(np.sqrt(np.mean(reading.pcm**2)), rel=0.25)

    text = captions.read_text(encoding="utf-8")
    assert text.startswith("WEBVTT")
    cues = CUE.findall(text)
    times = [(seconds_of(*cue[:3]), seconds_of(*cue[3:6])) for cue in cues]
    assert " ".join(" ".join(cue[6].split()) for cue in cues) == TEXT
    assert all(start < end for start, end in times)
    assert times == sorted(times)
    assert times[-1][1] <= seconds + 0.1
