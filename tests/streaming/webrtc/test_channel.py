import asyncio
import json

from aiortc import RTCPeerConnection

from streaming.protocol import MAX_MESSAGE_BYTES, Event, Pong
from streaming.webrtc.channel import ControlChannel


async def test_a_command_that_is_too_long_is_refused_and_the_next_one_is_taken() -> None:
    taken: list[str | bytes] = []

    class Line:
        async def handle(self, raw: str | bytes) -> Event:
            taken.append(raw)
            return Pong(time=1.0)

        async def close(self) -> None:
            taken.append("closed")

    near, far = RTCPeerConnection(), RTCPeerConnection()
    control = ControlChannel(Line(), lambda: None)
    far.on("datachannel", control.open)
    channel = near.createDataChannel("lipstream")
    answers: asyncio.Queue[str] = asyncio.Queue()
    channel.on("message", answers.put_nowait)

    @channel.on("open")
    def send() -> None:
        channel.send("x" * (MAX_MESSAGE_BYTES + 1))
        channel.send("short")

    await near.setLocalDescription(await near.createOffer())
    await far.setRemoteDescription(near.localDescription)
    await far.setLocalDescription(await far.createAnswer())
    await near.setRemoteDescription(far.localDescription)
    try:
        async with asyncio.timeout(10):
            first, second = [json.loads(await answers.get()) for _ in range(2)]
    finally:
        await control.close()
        await near.close()
        await far.close()
    assert (first["type"], first["code"]) == ("error", "bad_command")
    assert second["type"] == "pong"
    assert taken == ["short", "closed"]
