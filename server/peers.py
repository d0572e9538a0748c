"""The WebRTC viewers of this process, by the secret in their address."""

from __future__ import annotations

import asyncio
from collections import Counter

from aioice.ice import get_host_addresses

from server.problems import HTTPProblem
from server.settings import Settings
from streaming.errors import CapacityReached, SessionNotFound
from streaming.session import MAX_SINKS, Session
from streaming.sessions import SessionManager
from streaming.webrtc.ice import ice_servers
from streaming.webrtc.peer import Peer

LOOPBACK = "127.0.0.1"


def listening_addresses(settings: Settings) -> list[str] | None:
    """Where viewers' packets are awaited; ``None`` for every interface.

    Loopback is left out of ICE as a rule; it is all that a machine without a network has.
    """
    if settings.webrtc_addresses:
        return [str(address) for address in settings.webrtc_addresses]
    return None if get_host_addresses(use_ipv4=True, use_ipv6=True) else [LOOPBACK]


class Peers:
    """Opens, finds and closes WebRTC viewers.

    Args:
        sessions: where sessions that belong to a viewer are ended.
        settings: STUN and TURN servers and addresses.
    """

    def __init__(self, sessions: SessionManager, settings: Settings) -> None:
        self._sessions = sessions
        self._ice_servers = ice_servers(server.model_dump() for server in settings.ice_servers)
        self._addresses = listening_addresses(settings)
        self._peers: dict[str, tuple[Peer, str]] = {}
        self._opening: Counter[str] = Counter()
        self._closing: set[asyncio.Task[None]] = set()

    async def open(self, offer: str, session: Session, *, owns_session: bool = False) -> Peer:
        """Answer an offer.

        Args:
            offer: the viewer's SDP.
            session: what it will see.
            owns_session: end the session when the viewer goes.

        Raises:
            OfferRejected: the offer cannot be served.
            CapacityReached: the session has too many viewers.
        """
        watching = sum(session_id == session.id for _, session_id in self._peers.values())
        # Those that are being answered count too: gathering takes up to seconds.
        if watching + self._opening[session.id] >= MAX_SINKS:
            raise CapacityReached(f"A session has at most {MAX_SINKS} viewers. Open another session.")

        def gone(peer: Peer) -> None:
            self._peers.pop(peer.id, None)
            if owns_session:
                task = asyncio.create_task(self._end(session.id), name=f"whep-session-end-{session.id}")
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

        self._opening[session.id] += 1
        try:
            peer = await Peer.answer(
                offer,
                session,
                session.clock,
                self._ice_servers,
                host_addresses=self._addresses,
                on_closed=gone,
            )
        finally:
            self._opening -= Counter({session.id: 1})
        self._peers[peer.id] = (peer, session.id)
        return peer

    def get(self, peer_id: str, session_id: str | None = None) -> Peer:
        """The viewer with this id, of this session when one is named.

        Raises:
            HTTPProblem: 404.
        """
        peer, owner = self._peers.get(peer_id, (None, ""))
        if peer is None or (session_id is not None and owner != session_id):
            raise HTTPProblem(
                404, "viewer_not_found", "This viewer is gone. Send a new offer to watch again."
            )
        return peer

    async def close(self) -> None:
        """Disconnect everybody."""
        await asyncio.gather(*(peer.close() for peer, _ in list(self._peers.values())))
        await self.settled()

    async def settled(self) -> None:
        """Return when the sessions of viewers that left have ended."""
        await asyncio.gather(*self._closing)

    async def _end(self, session_id: str) -> None:
        try:
            await self._sessions.close(session_id)
        except SessionNotFound:
            return
