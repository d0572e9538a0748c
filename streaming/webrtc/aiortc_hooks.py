"""Everything that touches private names of aiortc 1.16.0 and aioice 0.13; nothing else in the house does.

Both are pinned, and ``tests/streaming/webrtc/test_aiortc_hooks.py`` fails when a name moves.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aioice import Candidate
from aiortc import RTCPeerConnection, RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpsender import RTCEncodedFrame
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket

NTP_UNIX_OFFSET = 2_208_988_800
"""Seconds from 1900 to 1970."""

UINT32 = 1 << 32

Gather = Callable[..., Coroutine[Any, Any, list[Candidate]]]

RTP_TIMESTAMP = "_RTCRtpSender__rtp_timestamp"
LAST_REPORT = "_RTCRtpSender__lsr"


def on_keyframe_request(sender: RTCRtpSender, callback: Callable[[], None]) -> None:
    """Call ``callback`` for each picture loss indication and full intra request.

    aiortc hands those to its own encoder, which a track of encoded packets does not use.
    """
    sender._send_keyframe = callback


def align_sender_reports(sender: RTCRtpSender, wall: Callable[[int], float]) -> None:
    """Let the sender's reports map RTP time to the media clock.

    aiortc maps it to the moment a packet left, so whatever delays one track shows up at the viewer as lost
    lip sync.

    Args:
        sender: has not sent anything yet.
        wall: Unix second at which media with this timestamp (in ticks of the track's clock rate) is due.
    """
    next_encoded_frame = sender._next_encoded_frame
    send_rtcp = sender._send_rtcp
    handed_out: int | None = None
    anchor: tuple[int, int] | None = None

    async def remember(codec: RTCRtpCodecParameters) -> RTCEncodedFrame | None:
        # aiortc asks for the next frame once all of the last one is sent, so what it sent last is what it was
        # handed last: that ties its random RTP origin to our timestamps.
        nonlocal handed_out, anchor
        if handed_out is not None:
            anchor = (getattr(sender, RTP_TIMESTAMP), handed_out)
        frame = await next_encoded_frame(codec)
        if frame is not None:
            handed_out = frame.timestamp
        return frame

    async def send(packets: list[AnyRtcpPacket]) -> None:
        reports = [packet for packet in packets if isinstance(packet, RtcpSrPacket)]
        if reports and anchor is None:
            return
        for report in reports:
            assert anchor is not None
            sent, timestamp = anchor
            since = (report.sender_info.rtp_timestamp - sent + UINT32 // 2) % UINT32 - UINT32 // 2
            ntp = ntp_time(wall(timestamp + since))
            report.sender_info.ntp_timestamp = ntp
            setattr(sender, LAST_REPORT, (ntp >> 16) & 0xFFFFFFFF)
        await send_rtcp(packets)

    sender._next_encoded_frame = remember
    sender._send_rtcp = send


def use_host_addresses(connection: RTCPeerConnection, addresses: Sequence[str]) -> None:
    """Offer host candidates at ``addresses`` instead of at every interface but the loopback one.

    Call it between ``setRemoteDescription`` and ``setLocalDescription``.
    """
    transports = {transceiver.sender.transport for transceiver in connection.getTransceivers()}
    if connection.sctp is not None:
        transports.add(connection.sctp.transport)
    for transport in transports:
        agent = transport.transport.iceGatherer._connection
        agent.get_component_candidates = _at(agent.get_component_candidates, addresses)  # pyright: ignore[reportAttributeAccessIssue]


def _at(gather: Gather, wanted: Sequence[str]) -> Gather:
    async def gather_there(component: int, addresses: list[str]) -> list[Candidate]:
        # The relay policy asks for no host addresses at all.
        return await gather(component=component, addresses=list(wanted) if addresses else [])

    return gather_there


def ntp_time(unix: float) -> int:
    """64-bit NTP time of a Unix second."""
    seconds = int(unix)
    return (seconds + NTP_UNIX_OFFSET) << 32 | int((unix - seconds) * UINT32)
