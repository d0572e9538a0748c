import pytest
from aiortc import RTCPeerConnection, RTCRtpSender

from streaming.errors import OfferRejected
from streaming.webrtc.sdp import MAX_OFFER_BYTES, read_offer, strip_candidates


async def make_offer(*kinds: str, data: bool = False, direction: str = "recvonly") -> str:
    connection = RTCPeerConnection()
    for kind in kinds:
        connection.addTransceiver(kind, direction=direction)
    if data:
        connection.createDataChannel("lipstream")
    sdp = (await connection.createOffer()).sdp
    await connection.close()
    return sdp


async def vp8_only() -> str:
    connection = RTCPeerConnection()
    transceiver = connection.addTransceiver("video", direction="recvonly")
    codecs = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == "video/VP8"])
    sdp = (await connection.createOffer()).sdp
    await connection.close()
    return sdp


async def test_what_is_wanted_is_read() -> None:
    offer = read_offer(await make_offer("audio", "video", data=True))
    assert (offer.codec, offer.audio, offer.data) == ("h264", True, True)
    assert f"a=ice-ufrag:{offer.ufrag}" in offer.sdp
    offer = read_offer(await make_offer(data=True))
    assert (offer.codec, offer.audio, offer.data) == (None, False, True)


async def test_vp8_when_h264_is_not_taken() -> None:
    assert read_offer(await vp8_only()).codec == "vp8"


@pytest.mark.parametrize("other", ["42e01f;packetization-mode=0", "640c1f;packetization-mode=1"])
async def test_h264_of_other_kinds_does_not_count(other: str) -> None:
    sdp = await make_offer("video")
    profile, mode = other.split(";")
    for ours in ("42001f", "42e01f"):
        sdp = sdp.replace(f"profile-level-id={ours}", f"profile-level-id={profile}")
    sdp = sdp.replace("packetization-mode=1", mode)
    assert read_offer(sdp).codec == "vp8"


async def test_an_offer_without_a_codec_of_ours_is_told_what_to_offer() -> None:
    sdp = (await make_offer("video")).replace("VP8", "AV1").replace("H264", "VP9")
    with pytest.raises(OfferRejected, match=r"AV1, VP9.*offer H\.264"):
        read_offer(sdp)
    with pytest.raises(OfferRejected, match="Opus"):
        read_offer((await make_offer("audio")).replace("opus", "L16"))


async def test_an_offer_that_only_sends_asks_for_nothing() -> None:
    with pytest.raises(OfferRejected, match="asks for nothing"):
        read_offer(await make_offer("audio", "video", direction="sendonly"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "v=0\r\nm=video",
        "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 999\r\n",
        '{"type": "offer"}',
        "\x00" * 50,
    ],
)
def test_rubbish_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(OfferRejected):
        read_offer(text)


async def test_any_line_may_be_missing_without_a_crash() -> None:
    lines = (await make_offer("audio", "video", data=True)).splitlines()
    for missing in range(len(lines)):
        text = "\r\n".join(lines[:missing] + lines[missing + 1 :]) + "\r\n"
        try:
            read_offer(text)
        except OfferRejected as error:
            assert error.message


def test_large_offers_are_refused() -> None:
    with pytest.raises(OfferRejected, match="64 kB"):
        read_offer("v=0\r\n" + "a=x\r\n" * MAX_OFFER_BYTES)


def test_names_that_nobody_can_resolve_go_and_the_list_stays_open() -> None:
    sdp = (
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
        "a=candidate:1 1 udp 2122260223 192.0.2.1 54400 typ host\r\n"
        "a=candidate:2 1 udp 2122260223 6f2a.local 54401 typ host generation 0\r\n"
        "a=end-of-candidates\r\n"
    )
    kept = strip_candidates(sdp)
    assert "192.0.2.1" in kept
    assert ".local" not in kept and "end-of-candidates" not in kept
    assert kept.endswith("\r\n")


@pytest.mark.parametrize("broken", ["", "a=mid:", "a=mid:7"])
async def test_a_bundle_of_sections_that_are_not_there_is_refused(broken: str) -> None:
    offer = (await make_offer("video", "audio", data=True)).replace("a=mid:0", broken)
    with pytest.raises(OfferRejected, match="a=mid"):
        read_offer(offer)


async def test_an_offer_may_not_send_checks_to_a_thousand_addresses() -> None:
    offer = await make_offer(data=True)
    flood = [f"a=candidate:1 1 udp 1 192.0.2.{n} 9 typ host\r\n" for n in range(200)]
    read_offer(offer + "".join(flood[:100]))
    with pytest.raises(OfferRejected, match="candidates"):
        read_offer(offer + "".join(flood))
