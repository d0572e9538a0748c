"""A real aiortc viewer and a small session that feeds real slots, both in this process, over loopback."""

import asyncio
from collections.abc import Callable

import av
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket, RtpPacket

from streaming.clock import SlotClock, SystemClock
from streaming.encoders.base import VideoCodec
from streaming.protocol import COMMAND, Ack, Event, Ping, Pong
from streaming.session import Session
from streaming.sinks.base import Sink
from streaming.webrtc.aiortc_hooks import use_host_addresses
from streaming.webrtc.peer import Peer
from tests.support.media import SlotMaker

REMOTE_STREAMS = "_RTCRtpReceiver__remote_streams"
LOOPBACK = ("127.0.0.1",)


class LiveSession:
    """Sends slots in real time to whoever is attached, and answers pings."""

    id = "session"
    width = 192
    height = 192

    def __init__(self, codec: VideoCodec = "h264") -> None:
        self.clock = SlotClock(SystemClock())
        self.maker = SlotMaker(codec)
        self.sinks: list[Sink] = []
        self.keyframes_asked = 0
        self.first_slot: int | None = None
        self.received: list[str | bytes] = []
        self._playing: asyncio.Task[None] | None = None

    def commands(self) -> "LiveSession":
        return self

    def lose_sound(self) -> None:
        self.received.append("lost")

    async def close(self) -> None:
        self.received.append("closed")

    async def handle(self, raw: str | bytes) -> Event:
        self.received.append(raw)
        command = COMMAND.validate_json(raw)
        if isinstance(command, Ping):
            return Pong(id=command.id, time=command.time)
        return Ack(id=command.id)

    def request_keyframe(self, codec: VideoCodec) -> None:
        assert codec == self.maker.codec
        self.keyframes_asked += 1
        self.maker.keyframe = True

    def attach(self, sink: Sink) -> None:
        self.sinks.append(sink)
        self.maker.keyframe = True
        if self._playing is None:
            self._playing = asyncio.create_task(self._play())

    def detach(self, sink: Sink) -> None:
        self.sinks.remove(sink)

    async def stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)

    async def _play(self) -> None:
        while True:
            index = self.clock.next_index(0.010)
            slot = self.maker.make(index)
            await self.clock.clock.sleep_until(self.clock.deadline(index))
            if self.first_slot is None:
                self.first_slot = index
            for sink in tuple(self.sinks):
                sink.deliver(slot)


class Viewer:
    """An aiortc client that keeps what it receives.

    Args:
        codec: the video codec it takes, ``None`` without video.
        audio: whether it wants sound.
        label: of its data channel, ``None`` without one.
        order: of the media sections in the offer.
    """

    def __init__(
        self,
        codec: VideoCodec | None = "h264",
        audio: bool = True,
        label: str | None = "lipstream",
        order: str = "av",
    ) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.frames: list[av.VideoFrame] = []
        self.sounds: list[av.AudioFrame] = []
        self.messages: list[str] = []
        self.reports: dict[str, list[tuple[int, int]]] = {"audio": [], "video": []}
        self.first_timestamps: dict[str, int] = {}
        self.channel: RTCDataChannel | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.connection.on("track", self._on_track)
        if label is not None:
            self.channel = self.connection.createDataChannel(label)
            self.channel.on("message", self.messages.append)
        for kind in order:
            if kind == "a" and audio:
                self.connection.addTransceiver("audio", direction="recvonly")
            if kind == "v" and codec is not None:
                transceiver = self.connection.addTransceiver("video", direction="recvonly")
                capabilities = RTCRtpSender.getCapabilities("video").codecs
                transceiver.setCodecPreferences(
                    [entry for entry in capabilities if entry.mimeType.lower() == f"video/{codec}"]
                )
        for transceiver in self.connection.getTransceivers():
            self._listen(transceiver.receiver, transceiver.kind)

    async def offer(self) -> str:
        use_host_addresses(self.connection, LOOPBACK)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def watch(
        self, session: LiveSession | Session, on_closed: Callable[[Peer], None] | None = None
    ) -> Peer:
        peer = await Peer.answer(
            await self.offer(), session, session.clock, host_addresses=LOOPBACK, on_closed=on_closed
        )
        await self.connection.setRemoteDescription(RTCSessionDescription(peer.sdp, "answer"))
        return peer

    async def request_keyframe(self) -> None:
        """Send a picture loss indication."""
        receiver = next(t.receiver for t in self.connection.getTransceivers() if t.kind == "video")
        ssrc = next(iter(getattr(receiver, REMOTE_STREAMS)))
        await receiver._send_rtcp_pli(ssrc)

    async def close(self) -> None:
        await self.connection.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        kept: list = self.frames if track.kind == "video" else self.sounds
        while True:
            try:
                kept.append(await track.recv())
            except MediaStreamError:
                return

    def _listen(self, receiver: RTCRtpReceiver, kind: str) -> None:
        handle_rtcp, handle_rtp = receiver._handle_rtcp_packet, receiver._handle_rtp_packet

        async def rtcp(packet: AnyRtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                info = packet.sender_info
                self.reports[kind].append((info.ntp_timestamp, info.rtp_timestamp))
            await handle_rtcp(packet)

        async def rtp(packet: RtpPacket, arrival_time_ms: int) -> None:
            self.first_timestamps.setdefault(kind, packet.timestamp)
            await handle_rtp(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtcp_packet = rtcp
        receiver._handle_rtp_packet = rtp


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for something that a network brings about."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (the network sets no event of ours)
            await asyncio.sleep(0.01)
