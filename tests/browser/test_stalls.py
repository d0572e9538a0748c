"""A server that stands still leaves slots out; sound and picture go on together."""

from __future__ import annotations

import asyncio
import os
import signal

import numpy as np
import pytest
from playwright.async_api import Browser

from benchmarks.live import LiveServer
from tests.support.visitor import visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

STALL_SECONDS = 0.7
"""Twice as long as frames are held for sound that is late."""
STALLS = 2
WATCHED_SECONDS = 2.0


@pytest.mark.parametrize("query", ["", "transport=websocket"], ids=["webrtc", "webcodecs"])
async def test_the_picture_goes_on_after_stalls(server: LiveServer, browser: Browser, query: str):
    async with visit(browser, server.url, query) as visitor:
        await asyncio.sleep(0.5)
        for _ in range(STALLS):
            os.kill(server.pid, signal.SIGSTOP)
            await asyncio.sleep(STALL_SECONDS)
            os.kill(server.pid, signal.SIGCONT)
            await asyncio.sleep(1.5)
        before = len(await visitor.get("frameTimes"))
        await asyncio.sleep(WATCHED_SECONDS)
        assert len(await visitor.get("frameTimes")) - before >= 10 * WATCHED_SECONDS, (
            "the picture stands still"
        )
        await visitor.listen("It works again.")
        (started,) = await visitor.events("utterance.started")
        assert np.mean((await visitor.heard()).between(started["time"], np.inf) > 0.01) > 0.3
