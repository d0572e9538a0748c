"""Sound in over a data channel, picture and sound out over WebRTC; session, performer and codecs are real."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import numpy as np
import pytest

from streaming.clock import SystemClock
from streaming.observer import NullObserver
from streaming.performer.local import LocalPerformer
from streaming.session import Session
from streaming.webrtc.peer import Peer
from tests.support.engines import FlatCompositors
from tests.support.media import pitch
from tests.support.viewer import Viewer, until

COUNTING = (sys.executable, "-m", "tests.support.counting_child")
RATE = 48_000
PIECE_SECONDS = 0.02


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Viewer, Peer, Session]]:
    performer = LocalPerformer(command=COUNTING)
    await performer.start()
    with ThreadPoolExecutor(2) as executor:
        session = await Session.open(
            "mira",
            performer=performer,
            compositors=FlatCompositors(),
            clock=SystemClock(),
            executor=executor,
            observer=NullObserver(),
        )
        viewer = Viewer()
        peer = await viewer.watch(session)
        try:
            await until(lambda: viewer.channel and viewer.channel.readyState == "open")
            yield viewer, peer, session
        finally:
            await peer.close()
            await viewer.close()
            await session.close()
            await performer.close()


def tone(seconds: float, hertz: float = 700.0) -> bytes:
    times = np.arange(round(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * hertz * times) * 0.4).astype("<f4").tobytes()


async def speak(viewer: Viewer, data: bytes) -> None:
    """Send sound at the speed at which it is spoken."""
    assert viewer.channel is not None
    size = 4 * round(PIECE_SECONDS * RATE)
    start = asyncio.get_running_loop().time()
    for number, at in enumerate(range(0, len(data), size)):
        await asyncio.sleep(start + number * PIECE_SECONDS - asyncio.get_running_loop().time())
        viewer.channel.send(data[at : at + size])


def events(viewer: Viewer, kind: str) -> list[dict]:
    return [event for message in viewer.messages if (event := json.loads(message))["type"] == kind]


async def test_live_sound_is_seen_and_heard_and_ends_with_its_connection():
    async with connected() as (viewer, peer, session):
        other = Viewer(None, audio=False)
        listening = await other.watch(session)
        assert viewer.channel is not None
        say = {"type": "say_audio", "utterance": "mic", "sample_rate": RATE, "encoding": "pcm_f32le"}
        viewer.channel.send(json.dumps(say | {"live": True, "id": "1"}))
        await speak(viewer, tone(1.2))
        await until(lambda: events(viewer, "utterance.started"))
        (ack,) = events(viewer, "ack")
        assert (ack["id"], ack["utterance"]) == ("1", "mic")
        assert len(viewer.frames) > 10
        sounds = [sound.to_ndarray().reshape(-1, 2)[:, 0].astype(np.float32) for sound in viewer.sounds]
        parts = [np.concatenate(sounds[i : i + 10]) for i in range(0, len(sounds) - 10, 10)]
        assert any(pitch(part, 48_000) == pytest.approx(700, abs=10) for part in parts)
        levels = [frame.to_ndarray()[0].mean() for frame in viewer.frames]
        assert max(levels) > min(levels) + 20, "the mouth moves"
        await peer.close()
        await until(lambda: events(other, "utterance.ended"))
        (ended,) = events(other, "utterance.ended")
        assert (ended["utterance"], ended["reason"]) == ("mic", "completed")
        await listening.close()
        await other.close()


async def test_sound_far_too_fast_is_said_up_to_where_it_was_lost_and_commands_still_work(monkeypatch):
    monkeypatch.setattr("streaming.audio.waiting._MAX_SAMPLES", 24_000)
    monkeypatch.setattr("streaming.webrtc.channel.MAX_QUEUED_SOUND_BYTES", 32_000)
    async with connected() as (viewer, _, _):
        assert viewer.channel is not None
        viewer.channel.send(json.dumps({"type": "say_audio", "utterance": "clip", "sample_rate": 8000}))
        await until(lambda: events(viewer, "ack"))
        for _ in range(60):
            viewer.channel.send(bytes(16_000))
        await until(lambda: events(viewer, "error"))
        # What waits behind the sound is carried out when there is room for that.
        viewer.channel.send(json.dumps({"type": "append_audio", "utterance": "clip", "final": True}))
        await until(lambda: events(viewer, "utterance.ended"), 30)
        assert [error["code"] for error in events(viewer, "error")] == ["too_much_sound"]
        (ended,) = events(viewer, "utterance.ended")
        assert ended["reason"] == "completed" and 2.0 < ended["spoken_seconds"] < 30.0
