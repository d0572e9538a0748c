import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
from aiortc import RTCPeerConnection

from streaming.encoders.base import VideoCodec
from streaming.errors import CapacityReached, LipstreamError, OfferRejected, SessionClosed
from streaming.protocol import Pong
from streaming.sinks.base import Sink
from streaming.webrtc.aiortc_hooks import NTP_UNIX_OFFSET
from streaming.webrtc.peer import Peer
from tests.support.media import TONE_HERTZ, pitch, shown_index
from tests.support.viewer import LOOPBACK, LiveSession, Viewer, until

Watch = Callable[..., Awaitable[tuple[Viewer, Peer, LiveSession]]]


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    """Connects a viewer to a session of its own; everything is closed afterwards, and nothing may be left."""
    before = asyncio.all_tasks()
    opened: list[tuple[Viewer, Peer, LiveSession]] = []

    async def connect(codec: VideoCodec | None = "h264", **options) -> tuple[Viewer, Peer, LiveSession]:
        session = LiveSession(codec or "h264")
        on_closed = options.pop("on_closed", None)
        viewer = Viewer(codec, **options)
        peer = await viewer.watch(session, on_closed)
        opened.append((viewer, peer, session))
        await until(lambda: peer.state == "connected")
        return opened[-1]

    yield connect
    for viewer, peer, session in opened:
        await peer.close()
        await viewer.close()
        await session.stop()
    await until(lambda: asyncio.all_tasks() <= before | {asyncio.current_task()}, 5)


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_picture_and_sound_arrive(watch: Watch, codec: VideoCodec) -> None:
    viewer, peer, session = await watch(codec)
    assert peer.codec == codec
    await until(lambda: len(viewer.frames) >= 15 and len(viewer.sounds) >= 50)
    indices = [shown_index(image) for image in viewer.frames[:15]]
    assert session.first_slot is not None
    assert indices[0] - session.first_slot % 4096 <= 2, "it starts at a keyframe, at once"
    assert indices == sorted(set(indices))
    pcm = np.concatenate([sound.to_ndarray().reshape(-1, 2)[:, 0] for sound in viewer.sounds[10:50]])
    assert pitch(pcm.astype(np.float32), 48_000) == pytest.approx(TONE_HERTZ, abs=5)
    steps = np.diff([sound.pts or 0 for sound in viewer.sounds[:50]])
    # A machine that stalls skips whole slots; the time stamps tell, and no packet is ever out of step.
    assert np.all(steps % 960 == 0) and np.median(steps) == 960


async def test_h264_is_pinned_even_when_vp8_comes_first() -> None:
    session, viewer = LiveSession(), RTCPeerConnection()
    viewer.addTransceiver("video", direction="recvonly")
    offer = await viewer.createOffer()
    await viewer.setLocalDescription(offer)
    peer = await Peer.answer(viewer.localDescription.sdp, session, session.clock, host_addresses=LOOPBACK)
    assert peer.codec == "h264"
    assert "VP8" in viewer.localDescription.sdp and "VP8" not in peer.sdp
    await peer.close()
    await viewer.close()


async def test_a_lost_picture_asks_the_session_for_a_keyframe(watch: Watch) -> None:
    viewer, _, session = await watch()
    await until(lambda: len(viewer.frames) >= 3)
    asked = session.keyframes_asked
    await asyncio.sleep(0.3)
    await viewer.request_keyframe()
    await until(lambda: session.keyframes_asked == asked + 1)
    # A viewer that floods costs the others no more than a few keyframes.
    for _ in range(20):
        await viewer.request_keyframe()
    await asyncio.sleep(0.05)
    assert session.keyframes_asked <= asked + 2


async def test_sender_reports_map_both_tracks_to_the_session_clock(watch: Watch) -> None:
    viewer, _, session = await watch()
    await until(lambda: all(len(reports) >= 2 for reports in viewer.reports.values()))
    assert session.first_slot is not None
    due = session.clock.wall_deadline(session.first_slot)
    for kind, rate in (("video", 90_000), ("audio", 48_000)):
        for ntp, rtp in viewer.reports[kind]:
            since = (rtp - viewer.first_timestamps[kind] + 2**31) % 2**32 - 2**31
            first = ntp / 2**32 - NTP_UNIX_OFFSET - since / rate
            assert first == pytest.approx(due, abs=0.001), kind


async def test_commands_and_events_go_over_the_data_channel(watch: Watch) -> None:
    viewer, peer, session = await watch()
    peer.notify(Pong(time=1.0))
    assert viewer.channel is not None
    await until(lambda: viewer.channel and viewer.channel.readyState == "open")
    for i in range(20):
        viewer.channel.send(json.dumps({"type": "ping", "id": str(i), "time": i}))
    viewer.channel.send("not json")
    viewer.channel.send('{"type": "interrupt", "id": "last"}')
    await until(lambda: len(viewer.messages) >= 23)
    answers = [json.loads(message) for message in viewer.messages]
    assert answers[0] == {"type": "pong", "id": None, "time": 1.0}
    assert [answer["id"] for answer in answers[1:21]] == [str(i) for i in range(20)], "in order"
    assert answers[21]["type"] == "error"
    assert answers[22] == {"type": "ack", "id": "last", "utterance": None, "generation": None}
    assert len(session.received) == 22


async def test_a_data_channel_alone(watch: Watch) -> None:
    viewer, peer, _ = await watch(None, audio=False, label="anything")
    assert peer.codec is None
    await until(lambda: viewer.channel and viewer.channel.readyState == "open")
    assert viewer.channel is not None
    viewer.channel.send('{"type": "ping", "time": 2}')
    await until(lambda: viewer.messages)
    assert json.loads(viewer.messages[0])["type"] == "pong"


async def test_sound_alone(watch: Watch) -> None:
    viewer, peer, _ = await watch(None, label=None)
    peer.notify(Pong(time=0.0))
    await until(lambda: len(viewer.sounds) >= 10)
    assert viewer.frames == []


async def test_picture_alone(watch: Watch) -> None:
    viewer, _, _ = await watch("h264", audio=False, label=None)
    await until(lambda: len(viewer.frames) >= 5)
    assert viewer.sounds == []


async def test_video_may_come_before_audio_in_the_offer(watch: Watch) -> None:
    viewer, _, _ = await watch("h264", order="va")
    await until(lambda: len(viewer.frames) >= 5 and len(viewer.sounds) >= 10)


async def test_close_detaches_and_tells_once(watch: Watch) -> None:
    gone: list[Peer] = []
    _, peer, session = await watch(on_closed=gone.append)
    assert session.sinks == [peer]
    await asyncio.gather(peer.close(), peer.close())
    await peer.close()
    assert session.sinks == []
    assert gone == [peer]
    assert peer.state == "closed"
    peer.notify(Pong(time=0.0))
    with pytest.raises(SessionClosed):
        await peer.add_candidates("")


async def test_the_end_of_the_session_disconnects(watch: Watch) -> None:
    viewer, peer, _ = await watch()
    peer.closed()
    await until(lambda: viewer.connection.connectionState == "closed")


async def test_a_viewer_that_leaves_is_let_go(watch: Watch) -> None:
    gone: list[Peer] = []
    viewer, peer, session = await watch(on_closed=gone.append)
    await viewer.close()
    await until(lambda: gone == [peer])
    assert session.sinks == []


async def test_candidates_may_trickle() -> None:
    session, viewer = LiveSession(), Viewer()
    offer = await viewer.offer()
    lines = offer.splitlines()
    ufrag = next(line for line in lines if line.startswith("a=ice-ufrag:"))
    candidate = next(line for line in lines if line.startswith("a=candidate:"))
    bare = "\r\n".join(line for line in lines if "candidate" not in line) + "\r\n"
    peer = await Peer.answer(bare, session, session.clock, host_addresses=LOOPBACK)
    hidden = candidate.replace("127.0.0.1", "0a1b2c3d.local")
    section = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    await peer.add_candidates(f"{ufrag}\r\n{section}{hidden}\r\n{candidate}\r\na=end-of-candidates\r\n")
    with pytest.raises(OfferRejected, match="restart"):
        await peer.add_candidates(f"a=ice-ufrag:zzzz\r\n{section}{candidate}\r\n")
    with pytest.raises(OfferRejected, match="not an ICE candidate"):
        await peer.add_candidates(f"{section}a=candidate:rubbish\r\n")
    await peer.close()
    await viewer.close()


async def test_what_a_viewer_sends_is_not_taken() -> None:
    session, viewer = LiveSession(), RTCPeerConnection()
    viewer.addTransceiver("audio", direction="sendrecv")
    viewer.addTransceiver("video", direction="sendonly")
    await viewer.setLocalDescription(await viewer.createOffer())
    peer = await Peer.answer(viewer.localDescription.sdp, session, session.clock, host_addresses=LOOPBACK)
    audio, video = peer.sdp.split("m=")[1:]
    assert "a=sendonly" in audio
    assert "a=inactive" in video
    await peer.close()
    await viewer.close()


@pytest.mark.parametrize("refusal", [SessionClosed("It has ended."), CapacityReached("It is full.")])
async def test_a_viewer_that_connects_too_late_is_disconnected(refusal: LipstreamError) -> None:
    before = asyncio.all_tasks()

    class GoneSession(LiveSession):
        def attach(self, sink: Sink) -> None:
            raise refusal

    gone: list[Peer] = []
    viewer = Viewer()
    peer = await viewer.watch(GoneSession(), gone.append)
    await until(lambda: gone == [peer])
    assert peer.state == "closed"
    await viewer.close()
    await until(lambda: asyncio.all_tasks() <= before | {asyncio.current_task()}, 5)


async def test_a_connection_that_does_not_close_is_forgotten_all_the_same(watch: Watch, monkeypatch) -> None:
    gone: list[Peer] = []
    _, peer, session = await watch(on_closed=gone.append)
    close = peer._connection.close

    async def broken() -> None:
        await close()
        raise ConnectionError("the socket is gone already")

    monkeypatch.setattr(peer._connection, "close", broken)
    peer.closed()
    await until(lambda: gone == [peer])
    assert not session.sinks
    assert peer._closing is not None
    with pytest.raises(ConnectionError):
        await peer._closing
    peer._closing = asyncio.create_task(asyncio.sleep(0))
