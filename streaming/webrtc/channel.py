"""The JSON protocol over a data channel."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from aiortc import RTCDataChannel

from streaming.errors import BadCommand, LipstreamError
from streaming.protocol import MAX_MESSAGE_BYTES, Error, Event

MAX_QUEUED_COMMANDS = 64
MAX_PENDING_EVENTS = 64
"""Kept for a channel that is not open yet."""

MAX_BUFFERED_BYTES = 1 << 20
"""A viewer that lets so much pile up reads nothing any more."""

log = logging.getLogger(__name__)


class ControlChannel:
    """Takes commands one after the other and sends answers and events.

    The viewer opens the channel, under any label; should it open several, the newest carries the events.

    Args:
        handle: answers one command.
        on_stuck: called when the viewer no longer reads.
    """

    def __init__(
        self, handle: Callable[[str | bytes], Awaitable[Event]], on_stuck: Callable[[], None]
    ) -> None:
        self._handle = handle
        self._on_stuck = on_stuck
        self._channel: RTCDataChannel | None = None
        self._pending: deque[Event] = deque(maxlen=MAX_PENDING_EVENTS)
        self._commands: asyncio.Queue[str | bytes] = asyncio.Queue(MAX_QUEUED_COMMANDS)
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    def open(self, channel: RTCDataChannel) -> None:
        """Use this channel from now on, and send what waited for one."""
        if self._closed:
            return
        self._channel = channel
        channel.on("message", self._take)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="webrtc-commands")
        while self._pending:
            self.send(self._pending.popleft())

    def send(self, event: Event) -> None:
        """Send an event now, or when the first channel opens."""
        channel = self._channel
        if channel is None:
            self._pending.append(event)
            return
        if channel.readyState != "open":
            return
        if channel.bufferedAmount > MAX_BUFFERED_BYTES:
            log.warning("a viewer's data channel is stuck; it is disconnected")
            self._on_stuck()
            return
        channel.send(event.model_dump_json())

    async def close(self) -> None:
        """Stop taking commands; idempotent. A channel that opens later is ignored."""
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    def _take(self, raw: str | bytes) -> None:
        if len(raw) > MAX_MESSAGE_BYTES:
            self.send(Error(code=BadCommand.code, message="A command has at most 128 kB. Send less at once."))
            return
        try:
            self._commands.put_nowait(raw)
        except asyncio.QueueFull:
            self.send(
                Error(code="too_many_commands", message="Wait for the answers before you send more commands.")
            )

    async def _work(self) -> None:
        while True:
            raw = await self._commands.get()
            try:
                answer = await self._handle(raw)
            except LipstreamError as error:
                answer = Error(code=error.code, message=error.message)
            except Exception:
                # One broken command must not silence the channel.
                log.exception("a command failed")
                answer = Error(
                    code=LipstreamError.code, message="The command failed; the server's log says why."
                )
            self.send(answer)
