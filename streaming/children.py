"""Child processes that hear from us through a socket pair, and end with us."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

FIRST_RESTART_DELAY_SECONDS = 0.1
MAX_RESTART_DELAY_SECONDS = 5.0
STOP_TIMEOUT_SECONDS = 3.0
_PR_SET_PDEATHSIG = 1
"""Of Linux' prctl(2): the signal that a process gets when its parent dies."""
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_FIRST_TO_GO = 800
"""Of 1000: before whatever serves somebody now."""


def environment() -> dict[str, str]:
    """A child's environment: our own packages first, and no idle threads that spin beside the work."""
    root = str(Path(__file__).parents[1])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    threads = {name: os.environ.get(name, "1") for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


async def spawn(
    command: tuple[str, ...], theirs: socket.socket, env: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start a child that has one end of a socket pair.

    Args:
        command: what to run, with its arguments.
        theirs: its end; close it here afterwards, or the pipe stays open when the child is gone.
        env: beside :func:`environment`.

    Raises:
        OSError: it cannot be started.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        pass_fds=(theirs.fileno(),),
        stdin=asyncio.subprocess.DEVNULL,
        env={**environment(), **(env or {})},
        # Ctrl-C is for the server; the child ends when its pipe closes.
        start_new_session=True,
    )


async def reap(process: asyncio.subprocess.Process, seconds: float = STOP_TIMEOUT_SECONDS) -> None:
    """Wait for a child whose pipe is closed; kill one that does not go."""
    # Not asyncio.timeout: before Python 3.11.4 it does not time out in a task that was cancelled, as the
    # caller often is when the server closes.
    gone = asyncio.ensure_future(process.wait())
    await asyncio.wait((gone,), timeout=seconds)
    if not gone.done():
        kill(process)
    await gone


def kill(process: asyncio.subprocess.Process) -> None:
    """Kill a child, which may be dead already."""
    if process.returncode is None:
        # Not Process.kill: it takes the exit status of a dead one away from asyncio, which then complains.
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def next_delay(delay: float, was_ready: bool) -> float:
    """Seconds until a child that died is started again: growing, until one comes up."""
    return FIRST_RESTART_DELAY_SECONDS if was_ready else min(2 * delay, MAX_RESTART_DELAY_SECONDS)


def die_with_parent() -> None:
    """Let this process be killed in the moment when its parent dies, where the system can do that (Linux).

    For work that looks at its pipe too seldom. Elsewhere, the closing of the pipe has to do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def go_first_without_memory() -> None:
    """Let Linux end this process, and not one that serves somebody, when the machine's memory is full."""
    with suppress(OSError):
        _OOM_SCORE.write_text(str(_FIRST_TO_GO))
