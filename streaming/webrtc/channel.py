"""The live protocol over a data channel: commands and events as text, sound as binary messages."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from aiortc import RTCDataChannel

from streaming.errors import BadCommand, LipstreamError
from streaming.protocol import MAX_MESSAGE_BYTES, Error, Event

MAX_QUEUED_COMMANDS = 64
MAX_QUEUED_SOUND_BYTES = 4 << 20
"""A data channel cannot be held up, so this is what waits of sound that comes faster than it is said, beside
what the session keeps: 77 s of 16-bit samples at 24 kHz in pieces of 20 ms."""
BYTES_BESIDE = 128
"""What a message that waits takes in memory beside its own bytes, of which there may be one."""
MAX_PENDING_EVENTS = 64
"""Kept for a channel that is not open yet."""

MAX_BUFFERED_BYTES = 1 << 20
"""A viewer that lets so much pile up reads nothing any more."""

log = logging.getLogger(__name__)


class CommandLine(Protocol):
    """What carries out commands; see :class:`streaming.commands.CommandLine`."""

    async def handle(self, raw: str | bytes) -> Event | None:
        """Carry out one message; the ack, pong or error to send back, if any."""
        ...

    def lose_sound(self) -> None:
        """Some sound is lost here; what follows of it is not wanted."""
        ...

    async def close(self) -> None:
        """The connection is gone."""
        ...


class ControlChannel:
    """Takes commands one after the other and sends answers and events.

    The viewer opens the channel, under any label; should it open several, the newest carries the events.

    Args:
        line: answers commands.
        on_stuck: called when the viewer no longer reads.
    """

    def __init__(self, line: CommandLine, on_stuck: Callable[[], None]) -> None:
        self._line = line
        self._on_stuck = on_stuck
        self._channel: RTCDataChannel | None = None
        self._pending: deque[Event] = deque(maxlen=MAX_PENDING_EVENTS)
        self._messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._commands_waiting = 0
        self._sound_waiting = 0
        self._sound_lost = False
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
        await self._line.close()

    def _take(self, raw: str | bytes) -> None:
        if len(raw) > MAX_MESSAGE_BYTES:
            self.send(Error(code=BadCommand.code, message="A message has at most 128 kB. Send less at once."))
        elif isinstance(raw, bytes):
            self._take_sound(raw)
        elif self._commands_waiting >= MAX_QUEUED_COMMANDS:
            self.send(
                Error(code="too_many_commands", message="Wait for the answers before you send more commands.")
            )
        else:
            self._commands_waiting += 1
            # It may begin another sound.
            self._sound_lost = False
            self._messages.put_nowait(raw)

    def _take_sound(self, data: bytes) -> None:
        """Queue sound. Where some is lost all that follows of it is, as speech with a hole is worse."""
        if self._sound_lost:
            return
        if self._sound_waiting + len(data) + BYTES_BESIDE <= MAX_QUEUED_SOUND_BYTES:
            self._sound_waiting += len(data) + BYTES_BESIDE
            self._messages.put_nowait(data)
            return
        self._sound_lost = True
        self._messages.put_nowait(None)
        message = (
            "Sound came faster than it is said, and the rest is lost. Send it more slowly, over a WebSocket, "
            "or by HTTP."
        )
        self.send(Error(code="too_much_sound", message=message))

    async def _work(self) -> None:
        while True:
            raw = await self._messages.get()
            if raw is None:
                self._line.lose_sound()
                continue
            try:
                answer = await self._line.handle(raw)
            except LipstreamError as error:
                answer = Error(code=error.code, message=error.message)
            except Exception:
                # One broken command must not silence the channel.
                log.exception("a command failed")
                answer = Error(
                    code=LipstreamError.code, message="The command failed; the server's log says why."
                )
            if isinstance(raw, bytes):
                self._sound_waiting -= len(raw) + BYTES_BESIDE
            else:
                self._commands_waiting -= 1
            if answer is not None:
                self.send(answer)
