"""What WHEP (draft-ietf-wish-whep) says in headers and fragments, apart from HTTP itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from streaming.errors import OfferRejected
from streaming.webrtc.ice import IceServer

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"

MAX_FRAGMENT_BYTES = 16 * 1024
MAX_CANDIDATES = 64


@dataclass(frozen=True, slots=True)
class TrickledCandidate:
    """A candidate line without its ``candidate:`` prefix, and the media section it belongs to."""

    mid: str
    line: str


@dataclass(frozen=True, slots=True)
class Fragment:
    """A trickle fragment (RFC 8840).

    Attributes:
        ufrag: the ICE user name fragment it belongs to, when it says so.
        candidates: in order.
        complete: whether no more will come.
    """

    ufrag: str | None
    candidates: tuple[TrickledCandidate, ...]
    complete: bool


def parse_fragment(text: str) -> Fragment:
    """Read a body of type ``application/trickle-ice-sdpfrag``.

    Raises:
        OfferRejected: it is too large, or a candidate stands outside a media section.
    """
    if len(text.encode()) > MAX_FRAGMENT_BYTES:
        raise OfferRejected(f"The candidate fragment is larger than {MAX_FRAGMENT_BYTES // 1024} kB.")
    ufrag: str | None = None
    mid: str | None = None
    complete = False
    candidates: list[TrickledCandidate] = []
    for line in map(str.strip, text.splitlines()):
        name, _, value = line.partition(":")
        if line.startswith("m="):
            mid = None
        elif name == "a=mid":
            mid = value
        elif name == "a=ice-ufrag":
            ufrag = value
        elif name == "a=end-of-candidates":
            complete = True
        elif name == "a=candidate":
            if mid is None:
                raise OfferRejected(
                    "A candidate needs an 'a=mid' line before it that names its media section."
                )
            candidates.append(TrickledCandidate(mid, value))
    if len(candidates) > MAX_CANDIDATES:
        raise OfferRejected(f"A fragment may hold {MAX_CANDIDATES} candidates at most.")
    return Fragment(ufrag, tuple(candidates), complete)


def link_headers(servers: Iterable[IceServer]) -> list[str]:
    """One ``Link`` header value per address, so that viewers use the same STUN and TURN servers."""
    headers: list[str] = []
    for server in servers:
        for url in server.urls:
            parts = [f"<{url}>", 'rel="ice-server"']
            if url.startswith("turn") and server.username is not None and server.credential is not None:
                parts += [
                    f"username={_quoted(server.username)}",
                    f"credential={_quoted(server.credential)}",
                    'credential-type="password"',
                ]
            headers.append("; ".join(parts))
    return headers


def entity_tag(sdp: str) -> str:
    """The ``ETag`` of an ICE session: it changes with the answer, so one is one session."""
    return f'"{hashlib.sha256(sdp.encode()).hexdigest()[:16]}"'


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
