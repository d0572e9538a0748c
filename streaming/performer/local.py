"""The local performer: a child process that is started, watched, and started again when it dies."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from streaming.children import FIRST_RESTART_DELAY_SECONDS, STOP_TIMEOUT_SECONDS, next_delay, reap, spawn
from streaming.clock import Clock, SystemClock
from streaming.errors import EngineFailed, LipstreamError, PerformerLost, ScriptRejected, error_from_code
from streaming.options import EngineOptions
from streaming.performer.base import PerformerDescription, PerformRequest
from streaming.performer.messages import (
    Audio,
    Cancel,
    Credit,
    Describe,
    Description,
    Drop,
    Failed,
    Finished,
    FromPerformer,
    Perform,
    Text,
    Unable,
)
from streaming.performer.wire import Channel
from streaming.script import Piece
from streaming.slots import Notice, PerformanceItem, Slot, UtteranceKey
from streaming.timing import SLOT_SAMPLES

log = structlog.get_logger(__name__)

START_TIMEOUT_SECONDS = 60.0
"""What an utterance waits for a child that is not up yet."""
LOADING_TIMEOUT_SECONDS = 1800.0
"""What the start waits: some engines fetch and load gigabytes."""
DESCRIBE_TIMEOUT_SECONDS = 5.0
"""Without an answer by then, what it said last is told."""
MAX_STARTS = 3
"""A child that dies this often before it was ever ready will not come up by itself."""
CREDIT_SHARE = 4
"""Credit is returned in portions of ``window / CREDIT_SHARE`` slots, to save messages."""

HEADROOM_SLOTS = 25
"""The child has so much sound beyond the window, as a face holds some back until it has heard more."""
MAX_PIECE_BYTES = 48_000
"""A piece of sound on its way to the child, at most: 0.5 s."""
_SLOT_BYTES = 4 * SLOT_SAMPLES


@dataclass(frozen=True, slots=True)
class PerformerConfig:
    """What the performer runs.

    Attributes:
        speech: names of speech engines as in their registry, by comma, the preferred one first.
        face: name of the face engine.
        data_dir: the program's data folder, where fetched voices lie.
        options: what is set about the speech engines.
    """

    speech: str = "hibari"
    face: str = "atlas"
    data_dir: Path | None = None
    options: EngineOptions = field(default_factory=EngineOptions)


@dataclass(slots=True)
class _Inbox:
    items: asyncio.Queue[PerformanceItem | Finished | Failed]
    ended: bool = False
    taken: int = 0
    more_taken: asyncio.Event = field(default_factory=asyncio.Event)


class LocalPerformer:
    """A :class:`streaming.performer.base.Performer` in a child process.

    When the child dies, running utterances raise :class:`PerformerLost`, and a new child is started at once,
    then with growing delays. A missing engine is not retried: every request then says what to install.

    Args:
        config: the engines.
        clock: source of restart delays.
        on_restart: called each time a dead child is replaced.
        command: how to start the child, without its arguments; for tests.
        environment: of the child, beside that of this process.
    """

    def __init__(
        self,
        config: PerformerConfig | None = None,
        *,
        clock: Clock | None = None,
        on_restart: Callable[[], None] | None = None,
        command: tuple[str, ...] = (sys.executable, "-m", "streaming.performer.child"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._config = config or PerformerConfig()
        self._clock = clock or SystemClock()
        self._on_restart = on_restart
        self._command = command
        self._environment = environment
        self._channel: Channel[FromPerformer] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._unable: tuple[str, str] | None = None
        self._description: PerformerDescription | None = None
        self._asked: asyncio.Future[None] | None = None
        self._inboxes: dict[UtteranceKey, _Inbox] = {}
        self._closing = False
        self.restarts = 0

    @property
    def ready(self) -> bool:
        """Whether the child is up and warm."""
        return self._ready.is_set() and self._unable is None

    @property
    def pid(self) -> int | None:
        """Process id of the child, for operators and tests."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the child and wait until it is warm; idempotent.

        Raises:
            LipstreamError: an engine is missing; the message says what to install.
            PerformerLost: the child did not come up.
        """
        if self._supervisor is None and not self._closing:
            self._supervisor = asyncio.create_task(self._supervise(), name="performer-supervisor")
        await self._wait_ready(LOADING_TIMEOUT_SECONDS)

    async def close(self) -> None:
        """Stop the child for good; idempotent. Who still waits for speech gets :class:`PerformerLost`."""
        first, self._closing = not self._closing, True
        if self._unable is None:
            self._give_up(PerformerLost.code, "The performer was stopped. Start the server again.")
        if self._supervisor is not None:
            if first:
                self._supervisor.cancel()
            await asyncio.wait((self._supervisor,))

    async def describe(self) -> PerformerDescription:
        """What the child says of itself now: voices come and go while it runs."""
        await self._wait_ready()
        if self._asked is None:
            self._asked = asyncio.get_running_loop().create_future()
            self._send(Describe())
        try:
            async with asyncio.timeout(DESCRIBE_TIMEOUT_SECONDS):
                await asyncio.shield(self._asked)
        except TimeoutError:
            log.warning("performer is slow to describe itself")
        assert self._description is not None
        return self._description

    async def cancel(self, session: str, generation: int) -> None:
        """Drop all work of ``session`` older than ``generation``."""
        self._send(Cancel(session, generation))

    async def perform(
        self, request: PerformRequest, script: AsyncIterator[Piece]
    ) -> AsyncGenerator[PerformanceItem, None]:
        """See :meth:`streaming.performer.base.Performer.perform`."""
        await self._wait_ready()
        key = request.key
        self._send(Perform(request))
        inbox = self._inboxes[key] = _Inbox(asyncio.Queue())
        feeder = asyncio.create_task(self._feed(request, script, inbox), name="performer-script")
        portion = max(1, request.window // CREDIT_SHARE)
        owed = 0
        try:
            while True:
                item = await inbox.items.get()
                if isinstance(item, Finished):
                    return
                if isinstance(item, Failed):
                    raise error_from_code(item.code, item.message)
                if isinstance(item, Slot):
                    inbox.taken += 1
                    inbox.more_taken.set()
                    owed += 1
                    if owed >= portion:
                        self._send(Credit(key, owed))
                        owed = 0
                yield item
        finally:
            feeder.cancel()
            del self._inboxes[key]
            if not inbox.ended:
                self._send(Drop(key))

    async def _feed(self, request: PerformRequest, script: AsyncIterator[Piece], inbox: _Inbox) -> None:
        key = request.key
        ahead = (request.window + HEADROOM_SLOTS) * _SLOT_BYTES
        fed = 0
        try:
            async for piece in script:
                if isinstance(piece, str):
                    self._send(Text(key, piece, final=False))
                    continue
                for start in range(0, len(piece), MAX_PIECE_BYTES):
                    # A recording is minutes long; the child gets what it can use now.
                    while fed > inbox.taken * _SLOT_BYTES + ahead:
                        inbox.more_taken.clear()
                        await inbox.more_taken.wait()
                    part = piece[start : start + MAX_PIECE_BYTES]
                    fed += len(part)
                    self._send(Audio(key, part, final=False))
            last = Text(key, "", final=True) if request.kind == "text" else Audio(key, b"", final=True)
            self._send(last)
        except LipstreamError as error:
            self._abandon(key, error)
        except UnicodeEncodeError:
            self._abandon(key, ScriptRejected("The text is not valid Unicode. Send it as UTF-8."))
        except Exception as error:
            log.exception("the script of an utterance broke off", session=key.session, sequence=key.sequence)
            reason = f"The script could not be passed on ({type(error).__name__}). Say it again."
            self._abandon(key, EngineFailed(reason))

    def _abandon(self, key: UtteranceKey, error: LipstreamError) -> None:
        """End an utterance on both sides: the child would wait for the rest of its script."""
        self._send(Drop(key))
        self._deliver(key, Failed(key, error.code, error.message))

    def _send(self, message: msgspec.Struct) -> None:
        if self._channel is not None:
            self._channel.send(message)

    async def _wait_ready(self, seconds: float = START_TIMEOUT_SECONDS) -> None:
        try:
            async with asyncio.timeout(seconds):
                # It may be gone again before this task has its turn.
                while not self._ready.is_set():
                    await self._ready.wait()
        except TimeoutError:
            raise PerformerLost("The performer is not up yet. Look at the log, then try again.") from None
        if self._unable is not None:
            raise error_from_code(*self._unable)

    async def _supervise(self) -> None:
        delay = FIRST_RESTART_DELAY_SECONDS
        while True:
            was_ready = await self._run_child()
            if self._description is None and self.restarts + 1 >= MAX_STARTS:
                self._give_up(EngineFailed.code, "The performer dies while it starts. Run lipstream doctor.")
            if self._unable is not None:
                return
            delay = next_delay(delay, was_ready)
            log.warning("performer died, starting it again", delay_seconds=delay)
            await self._clock.sleep_until(self._clock.now() + delay)
            self.restarts += 1
            if self._on_restart is not None:
                self._on_restart()

    async def _run_child(self) -> bool:
        """Start a child and dispatch what it says until it is gone; whether it ever was ready."""
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            channel: Channel[FromPerformer] = Channel(reader, writer, FromPerformer)
            try:
                self._process = await self._spawn(theirs)
                # Or the pipe would stay open when the child is gone.
                theirs.close()
                self._channel = channel
                async for message in channel.messages():
                    self._dispatch(message)
            except msgspec.DecodeError as error:
                log.error("performer spoke nonsense", error=str(error))
            except OSError as error:
                log.error("performer cannot be started or heard", error=str(error))
            finally:
                was_ready = self._ready.is_set()
                if self._unable is None:
                    self._ready.clear()
                self._channel = None
                self._fail_all()
                self._answer_who_asked()
                # A child that hangs takes nothing off the pipe, so what is left in it is not waited for.
                channel.abort()
                await self._reap()
        return was_ready

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        command = (
            *self._command,
            *("--fd", str(theirs.fileno()), "--speech", self._config.speech, "--face", self._config.face),
            *(("--data-dir", str(self._config.data_dir)) if self._config.data_dir else ()),
            *("--options", msgspec.json.encode(self._config.options).decode()),
        )
        return await spawn(command, theirs, self._environment)

    async def _reap(self) -> None:
        process = self._process
        if process is None:
            return
        await reap(process, STOP_TIMEOUT_SECONDS)
        self._process = None

    def _dispatch(self, message: FromPerformer) -> None:
        match message:
            case Slot(key) | Notice(key) | Finished(key) | Failed(key):
                self._deliver(key, message)
            case Description(description):
                self._description = description
                self._ready.set()
                self._answer_who_asked()
            case Unable(code, text):
                self._give_up(code, text)

    def _answer_who_asked(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.set_result(None)

    def _give_up(self, code: str, message: str) -> None:
        """Answer every request with this error from now on."""
        self._unable = (code, message)
        self._ready.set()

    def _deliver(self, key: UtteranceKey, item: PerformanceItem | Finished | Failed) -> None:
        inbox = self._inboxes.get(key)
        if inbox is None:
            return
        inbox.ended = inbox.ended or isinstance(item, Finished | Failed)
        inbox.items.put_nowait(item)

    def _fail_all(self) -> None:
        message = "The performer died while speaking. It is being started again; say it once more."
        if self._closing:
            message = "The server is stopping. Say it again when it is back."
        for key in list(self._inboxes):
            self._deliver(key, Failed(key, PerformerLost.code, message))
