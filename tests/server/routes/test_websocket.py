import asyncio
import sys
from collections.abc import AsyncIterator
from functools import partial

import av
import numpy as np
import pytest
import pytest_asyncio
from fastapi import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from server.client import LipstreamClient
from server.client_stream import MediaPacket, Stream
from server.routes.websocket import watch
from streaming.commands import CommandLine
from streaming.performer.local import LocalPerformer
from streaming.protocol import (
    Ack,
    AppendAudio,
    Error,
    Event,
    Interrupt,
    Ping,
    Pong,
    SayAudio,
    UtteranceEnded,
    UtteranceStarted,
)
from streaming.speech.base import SpeechRequest
from streaming.speech.registry import build_chain
from tests.server.conftest import Live, serving
from tests.support.lips import mouth_openings
from tests.support.media import pitch

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_bug_closes_the_connection_with_its_code(live: Live, monkeypatch):
    async def broken(line: CommandLine, raw: str) -> None:
        raise RuntimeError("a bug")

    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        monkeypatch.setattr(CommandLine, "handle", broken)
        address = live.url.replace("http", "ws") + session.info.links.websocket
        async with connect(f"{address}?format=none&token={session.info.token}", proxy=None) as socket:
            await socket.send("{}")
            with pytest.raises(ConnectionClosedError) as caught:
                while True:
                    await socket.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1011
        assert (await session.get()).viewers == 0


async def test_a_viewer_that_vanishes_is_forgotten(live: Live):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect() as stream:
            assert (await session.get()).viewers == 1
            stream.socket.transport.abort()
            await stream.socket.wait_closed()
        for _ in range(100):
            if (await session.get()).viewers == 0:
                break
        assert (await session.get()).viewers == 0


async def test_a_message_too_large_ends_the_connection_and_not_the_session(live: Live):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            await stream.socket.send("x" * (1 << 20))
            await stream.socket.wait_closed()
            assert stream.socket.close_code == 1009
        assert (await session.get()).state == "idle"


async def test_a_viewer_that_goes_during_the_handshake_is_forgotten(still):
    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(_message) -> None:
        raise OSError("the connection is gone")

    async with still() as server:
        session = await server.state.sessions.create("mira")
        query = f"format=none&token={session.token}".encode()
        scope = {"type": "websocket", "path": "/", "query_string": query, "headers": []}
        with pytest.raises(OSError):
            await watch(WebSocket(scope, receive, send), session.id, server.state)
        assert session.viewers == 0


COUNTING = (sys.executable, "-m", "tests.support.counting_child")
RATE = 16_000
PIECE_SECONDS = 0.02


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hearing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    """A server whose performer is a process of its own with a face that takes any sound."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("server.state.LocalPerformer", partial(LocalPerformer, command=COUNTING))
        async with serving(tmp_path_factory.mktemp("hearing")) as server:
            yield server


def tone(seconds: float, hertz: float = 600.0) -> bytes:
    times = np.arange(round(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * hertz * times) * 12_000).astype("<i2").tobytes()


def cut(data: bytes, seconds: float = PIECE_SECONDS) -> list[bytes]:
    size = 2 * round(seconds * RATE)
    return [data[start : start + size] for start in range(0, len(data), size)]


async def speak(stream: Stream, pieces: list[bytes]) -> None:
    """Send pieces at the speed at which they are spoken."""
    start = asyncio.get_running_loop().time()
    for number, piece in enumerate(pieces):
        await asyncio.sleep(start + number * PIECE_SECONDS - asyncio.get_running_loop().time())
        await stream.socket.send(piece)


async def until(stream: Stream, kind: type[Event]) -> list[Event | MediaPacket | bytes]:
    """Messages up to the first of this type."""
    seen = []
    async with asyncio.timeout(20):
        async for message in stream:
            seen.append(message)
            if isinstance(message, kind):
                return seen
    raise AssertionError(f"no {kind.__name__} came")


async def test_live_sound_goes_in_as_pcm_and_comes_out_as_opus_and_h264(hearing: Live):
    video, audio = av.CodecContext.create("h264", "r"), av.CodecContext.create("libopus", "r")
    assert isinstance(audio, av.AudioCodecContext)
    audio.sample_rate, audio.layout = 48_000, "mono"
    async with LipstreamClient(hearing.url) as client, await client.create_session() as session:
        async with session.connect() as stream:
            await stream.send(SayAudio(id="1", utterance="mic", sample_rate=RATE, live=True))
            await speak(stream, cut(tone(1.2)))
            await stream.send(AppendAudio(utterance="mic", final=True))
            seen = await until(stream, UtteranceEnded)
    kinds = [message.type for message in seen if not isinstance(message, MediaPacket | bytes)]
    assert [kind for kind in kinds if kind.startswith("utterance")] == [
        "utterance.queued", "utterance.started", "utterance.appended", "utterance.ended",
    ]  # fmt: skip
    acks = [message for message in seen if isinstance(message, Ack)]
    assert [(ack.id, ack.utterance) for ack in acks] == [("1", "mic"), (None, "mic")]
    start = next(message for message in seen if isinstance(message, UtteranceStarted))
    end = next(message for message in seen if isinstance(message, UtteranceEnded))
    assert (start.engine, end.reason) == ("audio", "completed")
    assert end.spoken_seconds == pytest.approx(1.2, abs=0.3)
    media = [message for message in seen if isinstance(message, MediaPacket)]
    pictures = sum(
        len(video.decode(av.Packet(each.data)))
        for each in media
        if each.kind == "video"  # type: ignore[attr-defined]
    )
    heard = [
        (each.slot, frame.to_ndarray().reshape(-1).astype(np.float32))
        for each in media if each.kind == "audio" for frame in audio.decode(av.Packet(each.data))
    ]  # fmt: skip
    assert pictures >= 25
    spoken = np.concatenate([pcm for slot, pcm in heard if start.slot + 3 <= slot <= start.slot + 20])
    assert pitch(spoken, 48_000) == pytest.approx(600, abs=10)
    assert np.abs(spoken).max() > 0.2 * 32_768


async def test_a_recording_may_be_pushed_at_once(hearing: Live):
    async with LipstreamClient(hearing.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            await stream.send(SayAudio(utterance="clip", sample_rate=RATE))
            for piece in cut(tone(1.5), 1.0):
                await stream.socket.send(piece)
            await stream.send(AppendAudio(utterance="clip", audio=tone(0.5), final=True))
            (*_, ended) = await until(stream, UtteranceEnded)
    assert isinstance(ended, UtteranceEnded)
    assert (ended.reason, ended.spoken_seconds) == ("completed", pytest.approx(2.0, abs=0.05))


async def test_sound_ends_with_the_connection_it_came_over(hearing: Live):
    async with LipstreamClient(hearing.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as watching:
            async with session.connect(format="none") as talking:
                await talking.send(SayAudio(utterance="mic", sample_rate=RATE, live=True))
                await speak(talking, cut(tone(0.3)))
            seen = await until(watching, UtteranceEnded)
            ended = seen[-1]
    assert isinstance(ended, UtteranceEnded)
    assert (ended.utterance, ended.reason) == ("mic", "completed")
    assert ended.spoken_seconds == pytest.approx(0.3, abs=0.15)


async def test_an_interrupt_over_the_same_connection_cuts_the_sound(hearing: Live):
    async with LipstreamClient(hearing.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            await stream.send(SayAudio(utterance="mic", sample_rate=RATE, live=True))
            await speak(stream, cut(tone(0.5)))
            await stream.send(Interrupt(id="stop"))
            await speak(stream, cut(tone(0.2)))
            await stream.send(Ping(id="after"))
            seen = await until(stream, Pong)
    ended = [message for message in seen if isinstance(message, UtteranceEnded)]
    assert [(end.utterance, end.reason) for end in ended] == [("mic", "interrupted")]
    assert not [message for message in seen if isinstance(message, Error)]


async def test_commands_do_not_come_as_binary_messages(hearing: Live):
    async with LipstreamClient(hearing.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            for _ in range(3):
                await stream.socket.send(b'{"type": "ping"}')
            await stream.send(Ping(id="after"))
            errors = [message for message in await until(stream, Pong) if isinstance(message, Error)]
    assert [error.code for error in errors] == ["bad_command"] and "say_audio" in errors[0].message


async def spoken(text: str) -> bytes:
    """What the embedded voice makes of a text, as 16-bit PCM at 24 kHz."""

    async def script() -> AsyncIterator[str]:
        yield text

    engine = build_chain("hibari")
    await engine.warm_up()
    chunks = [chunk.pcm async for chunk in engine.synthesize(SpeechRequest(script()))]
    return (np.concatenate(chunks) * 32_767).astype("<i2").tobytes()


async def test_the_real_face_moves_its_lips_to_live_speech(live: Live):
    video = av.CodecContext.create("h264", "r")
    pcm = await spoken("Mama met Bob by the pool. How are you?")
    pieces = [pcm[start : start + 960] for start in range(0, len(pcm), 960)]
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect() as stream:
            await stream.send(SayAudio(utterance="mic", live=True, end_after_silence=0.5))
            speaking = asyncio.create_task(speak(stream, pieces))
            seen = await until(stream, UtteranceEnded)
            await speaking
    kinds = [message.type for message in seen if not isinstance(message, MediaPacket | bytes)]
    assert kinds.count("utterance.started") == 1 and "error" not in kinds
    ended = seen[-1]
    assert isinstance(ended, UtteranceEnded) and ended.reason == "completed"
    pictures = [
        picture.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
        for message in seen
        if isinstance(message, MediaPacket) and message.kind == "video"
        for picture in video.decode(av.Packet(message.data))  # type: ignore[attr-defined]
    ]
    openings = mouth_openings(pictures)
    assert openings.max() > openings.min() + 0.05 and openings.std() > 0.015, "it speaks"
