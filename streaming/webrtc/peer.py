"""A viewer over WebRTC: one connection, its tracks and its data channel."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.rtcicetransport import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp

from streaming.clock import SlotClock
from streaming.encoders.base import EncodedSlot, VideoCodec
from streaming.errors import LipstreamError, OfferRejected, SessionClosed
from streaming.protocol import Event
from streaming.sinks.base import Sink
from streaming.timing import VIDEO_CLOCK_RATE, WIRE_RATE
from streaming.webrtc import aiortc_hooks
from streaming.webrtc.channel import CommandLine, ControlChannel
from streaming.webrtc.ice import IceServer
from streaming.webrtc.sdp import Offer, read_offer
from streaming.webrtc.tracks import SlotAudioTrack, SlotVideoTrack
from streaming.webrtc.whep import TrickledCandidate, parse_fragment

CONNECT_TIMEOUT_SECONDS = 30.0
"""A viewer that posts an offer and never connects is dropped after this time."""

KEYFRAME_INTERVAL_SECONDS = 0.25
"""Keyframe requests of one viewer are taken at most this often; browsers repeat them."""

MAX_TRICKLED_CANDIDATES = 128
ID_BYTES = 16

VIDEO_MIME = {"h264": "video/H264", "vp8": "video/VP8"}
AUDIO_MIME = "audio/opus"
RTX_MIME = "video/rtx"

log = logging.getLogger(__name__)


class PeerSession(Protocol):
    """What a peer needs of the session it shows."""

    @property
    def id(self) -> str:
        """Names the session."""
        ...

    @property
    def width(self) -> int:
        """Pixels of the video."""
        ...

    @property
    def height(self) -> int:
        """Pixels of the video."""
        ...

    def commands(self) -> CommandLine:
        """What carries out the commands of one connection."""
        ...

    def request_keyframe(self, codec: VideoCodec) -> None:
        """Make the next frame of this codec a keyframe."""
        ...

    def attach(self, sink: Sink) -> None:
        """Feed ``sink`` from now on."""
        ...

    def detach(self, sink: Sink) -> None:
        """Feed it no more; no error when it is not attached."""
        ...


class Peer:
    """A WebRTC viewer of one session; made by :meth:`answer`.

    It attaches itself to the session once connected, and detaches and closes itself when the connection is
    lost.

    Attributes:
        id: hard to guess, as it is all that protects the resource.
        sdp: the answer.
        codec: the video codec of the slots it wants; ``None`` with nothing but a data channel.
    """

    def __init__(
        self,
        connection: RTCPeerConnection,
        offer: Offer,
        session: PeerSession,
        clock: SlotClock,
    ) -> None:
        self.id = secrets.token_urlsafe(ID_BYTES)
        self.sdp = ""
        # Slots go to sinks that name a codec; one that only listens names the one most likely encoded anyway.
        self.codec: VideoCodec | None = offer.codec or ("h264" if offer.audio else None)
        self._connection = connection
        self._offer = offer
        self._session = session
        self._clock = clock
        self._on_closed: Callable[[Peer], None] | None = None
        self._video = SlotVideoTrack(offer.codec, self._request_keyframe) if offer.codec else None
        self._audio = SlotAudioTrack(clock) if offer.audio else None
        self._control = ControlChannel(session.commands(), self.closed) if offer.data else None
        self._last_keyframe_request = float("-inf")
        self._candidates = 0
        self._attached = False
        self._deadline: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def answer(
        cls,
        offer_sdp: str,
        session: PeerSession,
        clock: SlotClock,
        ice_servers: Sequence[IceServer] = (),
        *,
        host_addresses: Sequence[str] | None = None,
        on_closed: Callable[[Peer], None] | None = None,
    ) -> Peer:
        """Answer a viewer's offer.

        Args:
            offer_sdp: what the viewer's ``createOffer`` made; candidates may follow or be missing.
            session: what it will see.
            clock: the session's clock.
            ice_servers: used by this side too; with an unreachable one the answer takes up to 5 s.
            host_addresses: where to listen, instead of on every interface.
            on_closed: called once when a peer that was returned is gone, whatever the reason.

        Raises:
            OfferRejected: the offer cannot be served; the message says why.
        """
        offer = read_offer(offer_sdp)
        servers = [server.for_aiortc() for server in ice_servers]
        peer = cls(RTCPeerConnection(RTCConfiguration(iceServers=servers)), offer, session, clock)
        try:
            await peer._negotiate(host_addresses)
        except (ValueError, InternalError, InvalidAccessError, InvalidStateError, OperationError) as error:
            await peer.close()
            raise OfferRejected(f"The offer cannot be answered: {error}.") from error
        except BaseException:
            await peer.close()
            raise
        peer._on_closed = on_closed
        return peer

    @property
    def state(self) -> str:
        """``new``, ``connecting``, ``connected``, ``failed`` or ``closed``."""
        return "closed" if self._closing is not None else self._connection.connectionState

    def deliver(self, slot: EncodedSlot) -> None:
        """Take one slot at its deadline."""
        if self._audio is not None:
            self._audio.push(slot)
        if self._video is not None:
            self._video.push(slot)

    def notify(self, event: Event) -> None:
        """Send an event over the data channel, if the viewer has one."""
        if self._control is not None and self._closing is None:
            self._control.send(event)

    def closed(self) -> None:
        """The session has ended: disconnect in the background."""
        self._begin_closing()

    async def add_candidates(self, fragment: str) -> None:
        """Take candidates of a body of type ``application/trickle-ice-sdpfrag``.

        Raises:
            OfferRejected: the fragment is malformed, wants an ICE restart, or holds too many candidates.
            SessionClosed: the peer is gone.
        """
        if self._closing is not None:
            raise SessionClosed("This connection has ended; make a new offer.")
        trickled = parse_fragment(fragment)
        if trickled.ufrag is not None and trickled.ufrag != self._offer.ufrag:
            raise OfferRejected("ICE restarts are not supported; make a new offer instead.")
        self._candidates += len(trickled.candidates)
        if self._candidates > MAX_TRICKLED_CANDIDATES:
            raise OfferRejected(f"A connection may have {MAX_TRICKLED_CANDIDATES} candidates at most.")
        for candidate in filter(None, map(_usable_candidate, trickled.candidates)):
            await self._connection.addIceCandidate(candidate)

    async def close(self) -> None:
        """Disconnect and wait until everything this peer started has ended; idempotent."""
        await asyncio.shield(self._begin_closing())

    async def _negotiate(self, host_addresses: Sequence[str] | None) -> None:
        connection = self._connection
        connection.on("connectionstatechange", self._on_state)
        connection.on("datachannel", self._on_channel)
        if self._audio is not None:
            self._add(self._audio, [AUDIO_MIME], WIRE_RATE)
        if self._video is not None and self._offer.codec is not None:
            sender = self._add(self._video, [VIDEO_MIME[self._offer.codec], RTX_MIME], VIDEO_CLOCK_RATE)
            aiortc_hooks.on_keyframe_request(sender, self._request_keyframe)
        ours = set(connection.getTransceivers())
        await connection.setRemoteDescription(RTCSessionDescription(self._offer.sdp, "offer"))
        for transceiver in connection.getTransceivers():
            if transceiver not in ours:
                # Nobody reads what a viewer sends, and aiortc would queue it without end.
                transceiver.direction = "inactive"
        if host_addresses is not None:
            aiortc_hooks.use_host_addresses(connection, host_addresses)
        await connection.setLocalDescription(await connection.createAnswer())
        self.sdp = connection.localDescription.sdp
        self._deadline = asyncio.create_task(self._expire(), name="webrtc-connect-timeout")

    def _add(self, track: SlotVideoTrack | SlotAudioTrack, mimes: Sequence[str], rate: int) -> RTCRtpSender:
        """Add a track and pin its codec.

        Pinned before the offer is read; otherwise the viewer's favourite would be negotiated and our packets
        sent under its name.
        """
        transceiver = self._connection.addTransceiver(track, direction="sendonly")
        codecs = RTCRtpSender.getCapabilities(track.kind).codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType in mimes])
        zero = self._clock.wall_deadline(0)
        aiortc_hooks.align_sender_reports(transceiver.sender, lambda ticks: zero + ticks / rate)
        return transceiver.sender

    def _on_state(self) -> None:
        state = self._connection.connectionState
        if state == "connected" and not self._attached and self._closing is None:
            if self._deadline is not None:
                self._deadline.cancel()
            try:
                self._session.attach(self)
            except LipstreamError as error:
                # The session ended, or filled up, while the viewer was connecting.
                log.info("a viewer of session %s came too late: %s", self._session.id, error.message)
                self._begin_closing()
                return
            self._attached = True
        elif state in ("failed", "closed"):
            self._begin_closing()

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if self._control is not None:
            self._control.open(channel)

    def _request_keyframe(self) -> None:
        now = self._clock.clock.now()
        if self.codec is not None and now - self._last_keyframe_request >= KEYFRAME_INTERVAL_SECONDS:
            self._last_keyframe_request = now
            self._session.request_keyframe(self.codec)

    async def _expire(self) -> None:
        clock = self._clock.clock
        await clock.sleep_until(clock.now() + CONNECT_TIMEOUT_SECONDS)
        log.info("a viewer of session %s never connected", self._session.id)
        self._begin_closing()

    def _begin_closing(self) -> asyncio.Task[None]:
        if self._closing is None:
            self._closing = asyncio.create_task(self._shut_down(), name="webrtc-close")
        return self._closing

    async def _shut_down(self) -> None:
        try:
            if self._attached:
                self._session.detach(self)
            for track in (self._audio, self._video):
                if track is not None:
                    track.stop()
            if self._deadline is not None:
                self._deadline.cancel()
                await asyncio.gather(self._deadline, return_exceptions=True)
            if self._control is not None:
                await self._control.close()
            await self._connection.close()
        finally:
            # Or whoever keeps a list of viewers, or the session that is this viewer's own, would keep it.
            if self._on_closed is not None:
                self._on_closed(self)


def _usable_candidate(trickled: TrickledCandidate) -> RTCIceCandidate | None:
    """The candidate for aiortc, or ``None`` for one that this side cannot reach: TCP, or an mDNS name.

    Raises:
        OfferRejected: the line is malformed.
    """
    try:
        candidate = candidate_from_sdp(trickled.line)
    except (ValueError, AssertionError) as error:
        raise OfferRejected(f"'{trickled.line[:80]}' is not an ICE candidate.") from error
    if candidate.protocol.lower() != "udp":
        return None
    try:
        ipaddress.ip_address(candidate.ip)
    except ValueError:
        return None
    candidate.sdpMid = trickled.mid
    return candidate
