"""The lips that arrive in the browser move as the engines meant them to, and with the sound that arrives."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Browser

from benchmarks.live import LiveServer
from streaming.timing import FPS
from tests.support.lips import LEVEL_MS, SLOT_MS, STEP_MS, best_start, mouth_openings
from tests.support.reading import Reading, read_aloud
from tests.support.visitor import visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "Maybe Bob has more paper maps, but my mother may buy a big apple."
LIKENESS = 0.8
MOST_SKEW_MS = 80.0
NEAR_SLOTS = 1
"""A closure lies on the border of two slots, and lips lead by 20 ms."""
LEAST_JUDGED = 0.7
"""Share of the closures whose pictures must all have been received."""
SHUT = 0.25
"""Share of the way from rest to wide open below which a mouth counts as shut."""
WIDE = 0.25
"""Where the engines open the mouth this far between two closures, it must be seen open."""


@pytest.mark.parametrize(
    ("avatar", "query"),
    [("mira", ""), ("theo", "transport=websocket")],
    ids=["mira-webrtc", "theo-webcodecs"],
)
async def test_lips_move_with_the_sound(server: LiveServer, browser: Browser, avatar: str, query: str):
    reading = await read_aloud(TEXT, avatar)
    async with visit(browser, server.url, query) as visitor:
        if avatar != await visitor.get("avatar"):
            await visitor.page.check(f"input[value={avatar}]", force=True)
            await visitor.until(f"lipstream.events.some(({{event}}) => event.avatar === '{avatar}')")
            await asyncio.sleep(0.5)
        await visitor.record()
        await asyncio.sleep(0.5)
        await visitor.listen(TEXT)
        await asyncio.sleep(0.7)
        shown = await visitor.recorded()
        heard = await visitor.heard()
        (started,) = await visitor.events("utterance.started")

    begun = started["time"]
    sound, _ = best_start(
        heard.times,
        heard.levels,
        reading.levels,
        LEVEL_MS,
        np.arange(begun - 500, begun + 1000, STEP_MS),
    )
    openings = mouth_openings(shown.pictures)
    first = shown.media[0] + SLOT_MS * np.arange(np.ptp(shown.media) / SLOT_MS)
    begun, likeness = best_start(shown.media, openings, reading.apertures, SLOT_MS, first)
    assert likeness >= LIKENESS, f"lips follow speech with a correlation of {likeness:.2f} only"
    late = begun + np.median(shown.times - shown.media) - sound
    assert abs(late) <= MOST_SKEW_MS, f"lips come {late:.0f} ms after the sound"
    check_closures(reading, np.round((shown.media - begun) / SLOT_MS).astype(int), openings)


def check_closures(reading: Reading, slots: NDArray[np.int_], openings: NDArray[np.float64]) -> None:
    """Every m, b and p that was received is seen shut, and open in between.

    Args:
        reading: what was said.
        slots: which of its frames each picture is.
        openings: the mouth of each picture.
    """
    rest, most = np.median(openings[slots < 0]), np.percentile(openings, 95)
    shut = rest + SHUT * (most - rest)
    closures = [round((sound.start + sound.end) / 2 * FPS - 0.5) for sound in reading.closures]
    assert len(closures) == sum(TEXT.lower().count(letter) for letter in "mbp") - 1, "apple has one p"
    judged = 0
    for slot in closures:
        near = openings[np.abs(slots - slot) <= NEAR_SLOTS]
        # Pictures that the browser left out cannot be judged.
        if len(near) > 2 * NEAR_SLOTS:
            judged += 1
            assert near.min() <= shut, f"the lips stay open at the closure in slot {slot}"
    assert judged >= LEAST_JUDGED * len(closures)
    for one, other in pairwise(closures):
        wanted = reading.apertures[one : other + 1].max(initial=0)
        between = openings[(slots >= one) & (slots <= other)]
        if wanted > WIDE and len(between) > other - one:
            assert between.max() > shut, f"the lips stay shut from slot {one} to slot {other}"
