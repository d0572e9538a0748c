"""ICE servers (STUN and TURN), as settings give them and as aiortc and browsers want them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiortc import RTCIceServer

SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server.

    Attributes:
        urls: such as ``turn:turn.example.org:3478?transport=udp`` (RFC 7064, RFC 7065).
        username: for TURN.
        credential: password for TURN.
    """

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None

    def for_aiortc(self) -> RTCIceServer:
        """The same for aiortc, which uses the first STUN and the first TURN address it is given."""
        return RTCIceServer(urls=list(self.urls), username=self.username, credential=self.credential)


def ice_servers(entries: Iterable[Mapping[str, Any]]) -> tuple[IceServer, ...]:
    """Read entries of the form ``{"urls": "..." or ["..."], "username": ..., "credential": ...}``.

    Raises:
        ValueError: an entry is not usable; the message says why.
    """
    return tuple(map(_ice_server, entries))


def _ice_server(entry: Mapping[str, Any]) -> IceServer:
    urls = entry.get("urls")
    urls = (urls,) if isinstance(urls, str) else tuple(urls or ())
    if not urls or not all(isinstance(url, str) and url.startswith(SCHEMES) for url in urls):
        raise ValueError(f"An ICE server needs 'urls' that start with stun: or turn:, got {urls!r}.")
    username, credential = entry.get("username"), entry.get("credential")
    if any(url.startswith("turn") for url in urls) and not (username and credential):
        raise ValueError(f"The TURN server {urls[0]} needs 'username' and 'credential'.")
    return IceServer(urls, username, credential)
