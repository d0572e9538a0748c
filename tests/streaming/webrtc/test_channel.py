import asyncio
import json
from typing import cast

from aiortc import RTCDataChannel, RTCPeerConnection

from streaming.protocol import MAX_MESSAGE_BYTES, Event, Pong
from streaming.webrtc.channel import BYTES_BESIDE, ControlChannel


async def test_a_command_that_is_too_long_is_refused_and_the_next_one_is_taken() -> None:
    taken: list[str | bytes] = []

    class Line:
        async def handle(self, raw: str | bytes) -> Event:
            taken.append(raw)
            return Pong(time=1.0)

        def lose_sound(self) -> None:
            taken.append("lost")

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


async def test_sound_that_is_too_much_is_lost_from_there_on(monkeypatch) -> None:
    monkeypatch.setattr("streaming.webrtc.channel.MAX_QUEUED_SOUND_BYTES", 2 * BYTES_BESIDE + 3)
    taken: list[str | bytes] = []
    go = asyncio.Event()

    class Line:
        async def handle(self, raw: str | bytes) -> Event | None:
            await go.wait()
            taken.append(raw)
            return None

        def lose_sound(self) -> None:
            taken.append("lost")

        async def close(self) -> None:
            pass

    class Channel:
        readyState = "open"
        bufferedAmount = 0

        def __init__(self) -> None:
            self.sent: list[str] = []

        def on(self, _name: str, listener) -> None:
            self.receive = listener

        def send(self, text: str) -> None:
            self.sent.append(json.loads(text)["code"])

    control, channel = ControlChannel(Line(), lambda: None), Channel()
    control.open(cast(RTCDataChannel, channel))
    for message in (b"a", b"b", "one", b"cc", b"d", b"d", "two"):
        channel.receive(message)
    await asyncio.sleep(0)
    go.set()
    await asyncio.sleep(0.01)
    channel.receive(b"e")
    await asyncio.sleep(0.01)
    await control.close()
    assert taken == [b"a", b"b", "one", "lost", "two", b"e"], "who listens knows what it means"
    assert channel.sent == ["too_much_sound"]
