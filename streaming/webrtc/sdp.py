"""Reading a viewer's offer: what it wants, whether it can be served, and without what would slow it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import H264Profile, MediaDescription, SessionDescription, parse_h264_profile_level_id

from streaming.encoders.base import VideoCodec
from streaming.errors import OfferRejected

MAX_OFFER_BYTES = 64 * 1024
"""Chromium's offers have 6 kB."""

MAX_SECTIONS = 16

MAX_OFFERED_CANDIDATES = 128
"""Every candidate is an address that this machine then sends connectivity checks to."""

RECEIVING = ("recvonly", "sendrecv")
DEFAULT_H264_PROFILE = "42e01f"
"""What RFC 6184 offers mean in practice when they name no profile."""

BASELINE = (H264Profile.PROFILE_BASELINE, H264Profile.PROFILE_CONSTRAINED_BASELINE)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a viewer offered.

    Attributes:
        sdp: the offer without candidates that cannot be resolved.
        codec: the video codec to send, ``None`` when no video is wanted.
        audio: whether sound is wanted.
        data: whether there will be data channels.
        ufrag: the viewer's ICE user name fragment.
    """

    sdp: str
    codec: VideoCodec | None
    audio: bool
    data: bool
    ufrag: str


def read_offer(text: str) -> Offer:
    """Check an offer and take from it what matters.

    Raises:
        OfferRejected: it is too large, malformed, asks for nothing, or takes no codec that is sent here.
    """
    if len(text.encode()) > MAX_OFFER_BYTES:
        raise OfferRejected(f"The offer is larger than {MAX_OFFER_BYTES // 1024} kB.")
    sdp = strip_candidates(text)
    description = _parse(sdp)
    sections = [media for media in description.media if media.port != 0]
    if len(description.media) > MAX_SECTIONS:
        raise OfferRejected(f"The offer has more than {MAX_SECTIONS} media sections.")
    if sum(len(media.ice_candidates) for media in description.media) > MAX_OFFERED_CANDIDATES:
        raise OfferRejected(f"The offer has more than {MAX_OFFERED_CANDIDATES} candidates.")
    _check_bundle(description)
    for media in sections:
        if (
            media.ice is None
            or not media.ice.usernameFragment
            or not media.ice.password
            or media.dtls is None
        ):
            raise OfferRejected(f"The {media.kind} section lacks ICE credentials or a DTLS fingerprint.")
    video = _wanted(sections, "video")
    audio = _wanted(sections, "audio")
    data = any(media.kind == "application" for media in sections)
    if video is None and audio is None and not data:
        raise OfferRejected(
            "The offer asks for nothing: add a recvonly video or audio transceiver, or a data channel."
        )
    if audio is not None and not any(codec.mimeType.lower() == "audio/opus" for codec in audio.rtp.codecs):
        raise OfferRejected("The audio section does not take Opus, the only sound sent here.")
    codec = None if video is None else _video_codec(video)
    ice = sections[0].ice
    ufrag = (ice.usernameFragment if ice else None) or ""
    return Offer(sdp, codec, audio is not None, data, ufrag)


def strip_candidates(sdp: str) -> str:
    """The offer without ``.local`` candidates and without ``a=end-of-candidates``.

    Resolving a browser's mDNS names takes a second and mostly fails; the addresses show up by themselves as
    peer-reflexive candidates, as long as the list is not closed.
    """
    kept = (line for line in sdp.splitlines() if line and not _is_useless(line))
    return "\r\n".join(kept) + "\r\n"


def _is_useless(line: str) -> bool:
    return line.strip() == "a=end-of-candidates" or (line.startswith("a=candidate:") and ".local " in line)


def _parse(sdp: str) -> SessionDescription:
    try:
        return SessionDescription.parse(sdp)
    # aiortc's parser states no errors of its own: these are what malformed text makes it raise.
    except (
        ValueError,
        AssertionError,
        KeyError,
        IndexError,
        AttributeError,
        TypeError,
        StopIteration,
    ) as error:
        raise OfferRejected(
            "The body is not a valid SDP offer; send pc.localDescription.sdp as it is."
        ) from error


def _check_bundle(description: SessionDescription) -> None:
    """Refuse a bundle of sections that are not there; aiortc would look for their transport in vain."""
    mids = {media.rtp.muxId for media in description.media if media.rtp.muxId}
    for group in description.group:
        if group.semantic == "BUNDLE" and not mids.issuperset(map(str, group.items)):
            raise OfferRejected(
                "a=group:BUNDLE names a section that the offer does not have; each needs its a=mid."
            )


def _wanted(sections: list[MediaDescription], kind: Literal["audio", "video"]) -> MediaDescription | None:
    """The first section of this kind, if the viewer wants to receive it."""
    media = next((media for media in sections if media.kind == kind), None)
    return media if media is not None and (media.direction or "sendrecv") in RECEIVING else None


def _video_codec(media: MediaDescription) -> VideoCodec:
    if any(map(_takes_h264, media.rtp.codecs)):
        return "h264"
    if any(codec.mimeType.lower() == "video/vp8" for codec in media.rtp.codecs):
        return "vp8"
    names = ", ".join(sorted({codec.name for codec in media.rtp.codecs})) or "nothing"
    raise OfferRejected(
        f"The video section takes {names}; offer H.264 (baseline, packetization-mode=1) or VP8."
    )


def _takes_h264(codec: RTCRtpCodecParameters) -> bool:
    if codec.mimeType.lower() != "video/h264" or str(codec.parameters.get("packetization-mode", "0")) != "1":
        return False
    try:
        profile, _ = parse_h264_profile_level_id(
            str(codec.parameters.get("profile-level-id", DEFAULT_H264_PROFILE))
        )
    except ValueError:
        return False
    return profile in BASELINE
