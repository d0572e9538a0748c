"""Fails when a private name of aiortc or aioice moves; read the hooks again before raising the pins."""

import inspect
from importlib.metadata import version

import aioice.ice
import av
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RTCP_PSFB_FIR, RTCP_PSFB_PLI, RtcpPsfbPacket, RtcpSenderInfo, RtcpSrPacket

from streaming.timing import VIDEO_TIME_BASE
from streaming.webrtc import aiortc_hooks


class OnePacket(MediaStreamTrack):
    kind = "video"

    async def recv(self) -> av.Packet:
        packet = av.Packet(b"\x00\x00\x01\x65abc")
        packet.pts = 2**32 + 90_000
        packet.time_base = VIDEO_TIME_BASE
        return packet


@pytest.fixture
async def sender():
    connection = RTCPeerConnection()
    yield connection.addTransceiver(OnePacket(), direction="sendonly").sender
    await connection.close()


def test_the_pinned_versions_are_the_ones_that_were_read() -> None:
    assert version("aiortc") == "1.16.0"
    assert version("aioice").startswith("0.13.")


def test_the_names_are_where_they_were(sender: RTCRtpSender) -> None:
    assert hasattr(sender, aiortc_hooks.RTP_TIMESTAMP)
    assert hasattr(sender, aiortc_hooks.LAST_REPORT)
    source = inspect.getsource(RTCRtpSender)
    for call in (
        "self._send_keyframe()",
        "await self._next_encoded_frame(codec)",
        "await self._send_rtcp(packets)",
    ):
        assert call in source, call
    gather = inspect.getsource(aioice.ice.Connection.gather_candidates)
    assert "self.get_component_candidates(component=component, addresses=addresses)" in gather


async def test_both_kinds_of_keyframe_request_arrive(sender: RTCRtpSender) -> None:
    asked: list[int] = []
    aiortc_hooks.on_keyframe_request(sender, lambda: asked.append(1))
    for kind in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
        await sender._handle_rtcp_packet(RtcpPsfbPacket(fmt=kind, ssrc=1, media_ssrc=sender._ssrc))
    assert len(asked) == 2


async def test_reports_follow_the_media_clock_whatever_the_send_time(sender: RTCRtpSender) -> None:
    sent: list[RtcpSrPacket] = []

    async def keep(packets: list) -> None:
        sent.extend(packets)

    sender._send_rtcp = keep
    aiortc_hooks.align_sender_reports(sender, lambda ticks: 1_700_000_000 + ticks / 90_000)
    codec = RTCRtpSender.getCapabilities("video").codecs
    h264 = next(entry for entry in codec if entry.mimeType == "video/H264")

    def report(rtp: int) -> RtcpSrPacket:
        info = RtcpSenderInfo(ntp_timestamp=123, rtp_timestamp=rtp, packet_count=1, octet_count=1)
        return RtcpSrPacket(ssrc=1, sender_info=info)

    parameters = RTCRtpCodecParameters(
        mimeType=h264.mimeType, clockRate=90_000, payloadType=97, parameters=h264.parameters
    )
    await sender._next_encoded_frame(parameters)
    await sender._send_rtcp([report(5)])
    assert sent == [], "before anything is known, no report is better than a wrong one"
    # aiortc sent that frame under its random origin, near the wrap.
    setattr(sender, aiortc_hooks.RTP_TIMESTAMP, 2**32 - 10)
    await sender._next_encoded_frame(parameters)
    for rtp, ticks in ((2**32 - 10, 2**32 + 90_000), (3_590, 2**32 + 93_600)):
        await sender._send_rtcp([report(rtp)])
        info = sent.pop().sender_info
        unix = info.ntp_timestamp / 2**32 - aiortc_hooks.NTP_UNIX_OFFSET
        assert unix == pytest.approx(1_700_000_000 + ticks / 90_000, abs=1e-5)
        assert getattr(sender, aiortc_hooks.LAST_REPORT) == (info.ntp_timestamp >> 16) & 0xFFFFFFFF


async def test_host_candidates_are_where_they_shall_be() -> None:
    connection = RTCPeerConnection()
    connection.addTransceiver("audio")
    connection.createDataChannel("x")
    aiortc_hooks.use_host_addresses(connection, ["127.0.0.1"])
    await connection.setLocalDescription(await connection.createOffer())
    candidates = [line for line in connection.localDescription.sdp.splitlines() if "a=candidate" in line]
    assert candidates and all(" 127.0.0.1 " in line for line in candidates)
    await connection.close()


def test_ntp_counts_from_1900() -> None:
    assert aiortc_hooks.ntp_time(0.5) == (2_208_988_800 << 32) + (1 << 31)
