"""The jobs process, seen from the server: started when it is first needed, and again when it dies."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Mapping

import msgspec
import structlog

from server.jobs.errors import JobsUnavailable
from server.jobs.messages import FromJobs, Ready, ToJobs, Unable
from streaming.children import FIRST_RESTART_DELAY_SECONDS, next_delay, reap, spawn
from streaming.clock import Clock
from streaming.performer.wire import Channel

COMMAND = (sys.executable, "-m", "server.jobs.child")
START_TIMEOUT_SECONDS = 30.0
"""What a submission waits for a process that is not up yet."""
MAX_STARTS = 3
"""A process that dies this often before it was ever ready will not come up by itself."""
FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 15.0, 600.0
"""When it cannot come up, it is tried again after so long: its database may start later than the server."""
STOPPING = "The server is stopping. Try again when it is back."

log = structlog.get_logger(__name__)


class JobsLink:
    """Keeps the jobs process up, and its pipe.

    Args:
        heard: gets every message but ``Ready`` and ``Unable``.
        ready: called when the process has told all that is kept.
        lost: called when it is gone, or cannot come up; it gets why when no other one follows.
        clock: source of restart delays.
        environment: of the process, beside what children get.
        command: how to start it, without ``--fd``.
    """

    def __init__(
        self,
        heard: Callable[[FromJobs], None],
        ready: Callable[[], None],
        lost: Callable[[str | None], None],
        clock: Clock,
        environment: Mapping[str, str],
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self._heard, self._on_ready, self._lost = heard, ready, lost
        self._clock = clock
        self._environment = environment
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._channel: Channel[FromJobs] | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._unable = ""
        self._resting: asyncio.Future[None] | None = None
        self._closing = False
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Of the process, for operators and tests."""
        return self._process.pid if self._process else None

    @property
    def ready(self) -> bool:
        """Whether it is up and has told all."""
        return self._settled.is_set() and not self._unable

    async def up(self) -> None:
        """Start the process unless it is there, and wait until it is ready.

        Raises:
            JobsUnavailable: it cannot come up.
        """
        if self._closing:
            raise JobsUnavailable(STOPPING)
        if self._supervisor is None or self._supervisor.done():
            self._unable = ""
            self._settled.clear()
            self._supervisor = asyncio.create_task(self._supervise(), name="jobs-supervisor")
        elif self._resting is not None:
            self._rested()
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                # It may be gone again before this task has its turn.
                while not self._settled.is_set():
                    await self._settled.wait()
        except TimeoutError:
            raise JobsUnavailable("The jobs process is not up yet. Try again in a moment.") from None
        if self._unable:
            raise JobsUnavailable(self._unable)

    def send(self, message: ToJobs) -> bool:
        """Send a message; whether there is somebody to read it."""
        if self._channel is None:
            return False
        self._channel.send(message)
        return True

    async def close(self) -> None:
        """End the process. What it was doing goes on when the server is started again."""
        self._closing = True
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait((self._supervisor,))
        self._give_up(STOPPING)

    async def _supervise(self) -> None:
        delay, rest = FIRST_RESTART_DELAY_SECONDS, FIRST_REST_SECONDS
        starts, ever_ready = 0, False
        while True:
            was_ready = await self._run()
            starts, ever_ready = starts + 1, ever_ready or was_ready
            if not self._unable and not ever_ready and starts >= MAX_STARTS:
                self._give_up("The jobs process dies while it starts; the server's log says more.")
            if self._unable:
                log.error("no jobs", reason=self._unable, again_in_seconds=rest)
                await self._rest(rest)
                delay, rest = FIRST_RESTART_DELAY_SECONDS, min(2 * rest, LONGEST_REST_SECONDS)
                starts, ever_ready = 0, False
                continue
            if was_ready:
                rest = FIRST_REST_SECONDS
            delay = next_delay(delay, was_ready)
            log.warning("jobs process died, starting it again", delay_seconds=delay)
            await self._clock.sleep_until(self._clock.now() + delay)
            self.restarts += 1

    async def _rest(self, seconds: float) -> None:
        """Return when it may be tried again: somebody asks for it, or after ``seconds``."""
        self._resting = resting = asyncio.get_running_loop().create_future()
        timer = asyncio.ensure_future(self._clock.sleep_until(self._clock.now() + seconds))
        try:
            await asyncio.wait((resting, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        if self._resting is not None:
            self._rested()

    def _rested(self) -> None:
        resting, self._resting = self._resting, None
        self._unable = ""
        self._settled.clear()
        if resting is not None:
            resting.set_result(None)

    async def _run(self) -> bool:
        """Start the process and pass on what it says until it is gone; whether it ever was ready."""
        ours, theirs = socket.socketpair()
        was_ready = False
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            channel: Channel[FromJobs] = Channel(reader, writer, FromJobs)
            try:
                command = (*self._command, "--fd", str(theirs.fileno()))
                self._process = await spawn(command, theirs, self._environment)
                # Or the pipe would stay open when the process is gone.
                theirs.close()
                self._channel = channel
                async for message in channel.messages():
                    if isinstance(message, Ready):
                        was_ready = True
                        self._settled.set()
                        self._on_ready()
                    elif isinstance(message, Unable):
                        self._give_up(message.message)
                    else:
                        self._hear(message)
            except msgspec.DecodeError as error:
                log.error("the jobs process spoke nonsense", error=str(error))
            except OSError as error:
                log.error("the jobs process cannot be started or heard", error=str(error))
            finally:
                self._channel = None
                if not self._unable:
                    self._settled.clear()
                    self._lost(None)
                channel.abort()
                if self._process is not None:
                    await reap(self._process)
                    self._process = None
        return was_ready

    def _hear(self, message: FromJobs) -> None:
        try:
            self._heard(message)
        except Exception:
            # One job that another version kept, say: the others go on.
            log.exception("what the jobs process says cannot be used")

    def _give_up(self, why: str) -> None:
        self._unable = why
        self._settled.set()
        self._lost(why)
