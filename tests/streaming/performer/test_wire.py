import asyncio
import socket
import struct

import msgspec
import pytest

from streaming.performer.messages import Cancel, Credit, Text, ToPerformer
from streaming.performer.wire import MAX_MESSAGE_BYTES, Channel
from streaming.slots import UtteranceKey

KEY = UtteranceKey("s", 1, 2)


async def pair() -> tuple[Channel, Channel]:
    ends = [await asyncio.open_unix_connection(sock=sock) for sock in socket.socketpair()]
    left, right = (Channel(reader, writer, ToPerformer) for reader, writer in ends)
    return left, right


async def test_messages_arrive_whole_and_in_order():
    left, right = await pair()
    sent = [Text(KEY, "x" * size, False) for size in (0, 1, 70_000, 5)] + [Credit(KEY, 3), Cancel("s", 2)]
    for message in sent:
        left.send(message)
    await left.close()
    assert [message async for message in right.messages()] == sent
    await right.close()


async def test_a_peer_that_dies_ends_the_messages():
    left, right = await pair()
    left._writer.write(struct.pack("<I", 100) + b"half")
    await left.close()
    assert [message async for message in right.messages()] == []
    await right.close()


@pytest.mark.parametrize("raw", [struct.pack("<I", 3) + b"abc", struct.pack("<I", MAX_MESSAGE_BYTES + 1)])
async def test_nonsense_is_refused(raw):
    left, right = await pair()
    left._writer.write(raw)
    with pytest.raises(msgspec.DecodeError):
        async for _ in right.messages():
            pass
    await left.close()
    await right.close()


async def test_what_the_peer_would_not_take_is_not_sent():
    left, right = await pair()
    with pytest.raises(ValueError, match="exceeds"):
        left.send(Text(KEY, "x" * MAX_MESSAGE_BYTES, False))
    left.send(Credit(KEY, 1))
    await left.close()
    left.send(Credit(KEY, 2))
    assert [message async for message in right.messages()] == [Credit(KEY, 1)]
    await right.close()
