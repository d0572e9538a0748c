"""``examples/transparent.html`` with a film of a person without a background, from disk."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Browser

from streaming.sinks.opening import open_sink
from tests.support.media import frame, tone
from tests.support.transparent import disc

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PAGE = Path(__file__).parents[2] / "examples" / "transparent.html"
SIDE = 192


def _film(path: Path, transparent: bool) -> Path:
    sink = open_sink("webm", path, SIDE, SIDE, None, transparent=transparent)
    for index in range(25):
        sink.write(frame(index), tone(index), disc(SIDE, SIDE, x=96, radius=70))
    sink.close()
    return path


async def test_what_css_draws_is_seen_behind_the_person(browser: Browser, tmp_path: Path):
    page = await browser.new_page(viewport={"width": 800, "height": 700})
    await page.goto(PAGE.as_uri())
    seen = {}
    for name, transparent in (("clear", True), ("opaque", False)):
        await page.set_input_files("input", str(_film(tmp_path / f"{name}.webm", transparent)))
        await page.wait_for_function("document.querySelector('video').readyState >= 2")
        await page.select_option("select", "green")
        # The background changes within 0.3 s.
        await page.wait_for_timeout(600)
        shot = await page.locator("video").screenshot()
        seen[name] = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)
        note = await page.evaluate("document.querySelector('output').value")
        assert bool(note) is not transparent, note
    side = len(seen["clear"])
    corner, middle = seen["clear"][side // 20, side // 20], seen["clear"][int(side * 0.6), side // 2]
    assert np.abs(corner - (0, 170, 0)).max() <= 3
    assert np.ptp(middle) < 40, "the person is grey"
    assert np.ptp(seen["opaque"][side // 3, side // 20]) < 40
    await page.close()
