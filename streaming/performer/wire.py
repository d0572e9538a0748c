"""Length-prefixed msgpack over a stream socket."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

import msgspec

MAX_MESSAGE_BYTES = 1 << 20
_LENGTH = struct.Struct("<I")

Incoming = TypeVar("Incoming")


class Channel(Generic[Incoming]):
    """One end of the pipe between media process and performer.

    Args:
        reader: stream to read from.
        writer: stream to write to.
        incoming: the union type of messages that arrive here.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, incoming: Any) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder: msgspec.msgpack.Decoder[Incoming] = msgspec.msgpack.Decoder(incoming)
        self._encoder = msgspec.msgpack.Encoder()

    def send(self, message: msgspec.Struct) -> None:
        """Queue a message; never blocks. Use :meth:`drain` where much is written.

        Raises:
            ValueError: the message is larger than the peer takes.
        """
        payload = self._encoder.encode(message)
        if len(payload) > MAX_MESSAGE_BYTES:
            raise ValueError(f"message of {len(payload)} bytes exceeds {MAX_MESSAGE_BYTES}")
        if self._writer.is_closing():
            return
        self._writer.writelines((_LENGTH.pack(len(payload)), payload))

    async def drain(self) -> None:
        """Wait until the peer has taken most of what was sent."""
        await self._writer.drain()

    async def messages(self) -> AsyncIterator[Incoming]:
        """Messages until the peer closes its end.

        Raises:
            msgspec.DecodeError: the peer sent something else than a message of the union.
        """
        while True:
            try:
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                if length > MAX_MESSAGE_BYTES:
                    raise msgspec.DecodeError(f"message of {length} bytes exceeds {MAX_MESSAGE_BYTES}")
                payload = await self._reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            yield self._decoder.decode(payload)

    async def close(self) -> None:
        """Close this end."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return

    def abort(self) -> None:
        """Close this end at once, without waiting for the peer to take what was sent."""
        self._writer.transport.abort()
