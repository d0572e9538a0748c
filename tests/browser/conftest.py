from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from benchmarks.chromium import chromium
from benchmarks.live import LiveServer, live_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[LiveServer]:
    async with live_server(MAX_SESSIONS="16", SESSION_IDLE_SECONDS="5") as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running
