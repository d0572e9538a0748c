import asyncio
import io
import json
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog
import uvicorn

from server import log
from server.app import create_app
from server.cli.serve import server_config
from server.settings import Settings
from server.state import State
from streaming.clock import Clock

API_KEY = "a-key-for-the-tests"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch):
    for name in list(os.environ):
        if name.startswith("LIPSTREAM_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def logging_as_before():
    root = logging.getLogger()
    before = list(root.handlers), root.level
    yield
    root.handlers, root.level = before
    structlog.reset_defaults()


@pytest.fixture
def log_lines():
    """What is logged, as the program would write it."""
    stream = io.StringIO()
    log.set_up("debug", "json", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@dataclass
class Still:
    """An application whose performer is not running: everything but speech works."""

    http: httpx.AsyncClient
    state: State


@pytest.fixture
def still(tmp_path: Path):
    @asynccontextmanager
    async def make(clock: Clock | None = None, **settings: Any) -> AsyncIterator[Still]:
        app = create_app(Settings(_env_file=None, data_dir=tmp_path, **settings), clock)  # pyright: ignore[reportCallIssue]
        state = app.state.lipstream
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                yield Still(http, state)
        finally:
            await state.close()

    return make


@dataclass
class Live:
    """A real server on a real socket, with the real performer."""

    url: str
    state: State


@asynccontextmanager
async def serving(data_dir: Path, **changes: Any) -> AsyncIterator[Live]:
    """Such a server."""
    settings = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        data_dir=data_dir,
        max_sessions=16,
        log_level="warning",
        **changes,
    )
    config = server_config(settings)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    state: State = config.app.state.lipstream  # pyright: ignore[reportFunctionMemberAccess, reportAttributeAccessIssue]
    try:
        await state.performer.start()
        yield Live(f"http://127.0.0.1:{listener.getsockname()[1]}", state)
    finally:
        server.should_exit = True
        await running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with serving(tmp_path_factory.mktemp("data")) as server:
        yield server
