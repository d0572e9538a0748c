"""A server of our own in a process of its own, for benchmarks and browser tests."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

START_SECONDS = 60.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.1


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True, slots=True)
class LiveServer:
    """A running server and the process it runs in."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """CPU time that the server and its performer have used so far."""
        parent = psutil.Process(self.pid)
        total = 0.0
        for process in (parent, *parent.children(recursive=True)):
            times = process.cpu_times()
            total += times.user + times.system
        return total

    def kill(self) -> None:
        """End it as a crash would: without a word to anybody."""
        os.kill(self.pid, signal.SIGKILL)

    def performer_pids(self) -> list[int]:
        """The performer processes."""
        children = psutil.Process(self.pid).children()
        return [child.pid for child in children if "performer" in " ".join(child.cmdline())]


async def _wait_ready(url: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(START_SECONDS):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"the server ended with status {process.returncode}")
            try:
                if (await client.get(f"{url}/ready")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def live_server(*command: str, port: int | None = None, **settings: str) -> AsyncIterator[LiveServer]:
    """Start ``lipstream serve`` with a data folder of its own, and stop it at the end.

    Args:
        command: another module to run in its place, such as ``-m benchmarks.pattern``.
        port: where to listen; a free port when not given.
        settings: more ``LIPSTREAM_...`` variables, without the prefix.
    """
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="lipstream-") as data:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LIPSTREAM_")}
        values = {"HOST": "127.0.0.1", "PORT": str(port), "DATA_DIR": data, "LOG_LEVEL": "warning"} | settings
        environment |= {f"LIPSTREAM_{key}": value for key, value in values.items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(command or ("-m", "server", "serve")),
            env=environment,
            cwd=Path(__file__).parents[1],
        )
        url = f"http://127.0.0.1:{port}"
        try:
            await _wait_ready(url, process)
            yield LiveServer(url, process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
                gone = asyncio.ensure_future(process.wait())
                await asyncio.wait((gone,), timeout=STOP_SECONDS)
                if not gone.done():
                    process.kill()
                await gone
