"""WebRTC by WHEP (draft-ietf-wish-whep): POST an offer for an answer, PATCH candidates, DELETE to leave.

A viewer's address holds a secret of its own, so that PATCH and DELETE need no other credential: players
send none there, and it allows nothing but leaving.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from server.problems import HTTPProblem, responses
from server.security import SCHEMES
from server.state import NeedsApiKey, OwnedSession, State, StateDep
from streaming.errors import SessionNotFound
from streaming.protocol import AvatarId
from streaming.session import Session
from streaming.webrtc.ice import ice_servers
from streaming.webrtc.sdp import read_offer
from streaming.webrtc.whep import FRAGMENT_TYPE, SDP_TYPE, entity_tag, link_headers

router = APIRouter(prefix="/v1", tags=["watching"], dependencies=SCHEMES)

_OFFER: dict[str, Any] = {
    "requestBody": {"required": True, "content": {SDP_TYPE: {"schema": {"type": "string"}}}}
}
_FRAGMENT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {FRAGMENT_TYPE: {"schema": {"type": "string"}}}}
}
_ANSWER: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "The answer. Location is the viewer's own address.",
        "content": {SDP_TYPE: {"schema": {"type": "string"}}},
        "headers": {
            name: {"schema": {"type": "string"}} for name in ("Location", "ETag", "Accept-Patch", "Link")
        },
    }
}


async def _text(request: Request, media_type: str, hint: dict[str, str]) -> str:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != media_type:
        raise HTTPProblem(
            415,
            "unsupported_media_type",
            f"The body must be of type {media_type}, not {given or 'none'}.",
            hint,
        )
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise HTTPProblem(400, "bad_request", "The body is not UTF-8 text.") from None


async def _offer(request: Request) -> str:
    return await _text(request, SDP_TYPE, {"Accept-Post": SDP_TYPE})


async def _answer(state: State, session: Session, offer: str, path: str, *, owns_session: bool) -> Response:
    peer = await state.peers.open(offer, session, owns_session=owns_session)
    response = Response(peer.sdp, 201, media_type=SDP_TYPE)
    response.headers["Location"] = f"{path}/{peer.id}"
    response.headers["ETag"] = entity_tag(peer.sdp)
    response.headers["Accept-Patch"] = FRAGMENT_TYPE
    response.headers["Cache-Control"] = "no-store"
    for link in link_headers(ice_servers(server.model_dump() for server in state.settings.ice_servers)):
        response.headers.append("Link", link)
    return response


async def _trickle(request: Request, state: State, peer_id: str, session_id: str | None) -> Response:
    peer = state.peers.get(peer_id, session_id)
    fragment = await _text(request, FRAGMENT_TYPE, {"Accept-Patch": FRAGMENT_TYPE})
    wanted = request.headers.get("if-match")
    if wanted not in (None, "*", entity_tag(peer.sdp)):
        raise HTTPProblem(412, "precondition_failed", "If-Match names another connection; send a new offer.")
    await peer.add_candidates(fragment)
    return Response(status_code=204)


def _options() -> Response:
    headers = {"Accept-Post": SDP_TYPE, "Allow": "POST, OPTIONS"}
    return Response(status_code=204, headers=headers)


@router.post(
    "/sessions/{session_id}/whep",
    status_code=201,
    summary="Watch a session over WebRTC",
    response_class=Response,
    responses={**_ANSWER, **responses(400, 401, 404, 410, 415, 422, 503)},
    openapi_extra=_OFFER,
)
async def watch(request: Request, session: OwnedSession, state: StateDep) -> Response:
    """POST an SDP offer. A data channel in it carries the live protocol."""
    offer = await _offer(request)
    return await _answer(state, session, offer, f"/v1/sessions/{session.id}/whep", owns_session=False)


@router.options(
    "/sessions/{session_id}/whep", status_code=204, summary="What WHEP takes", response_class=Response
)
async def watch_options(session_id: str) -> Response:
    """Says which bodies are taken."""
    return _options()


@router.patch(
    "/sessions/{session_id}/whep/{peer_id}",
    status_code=204,
    summary="Add ICE candidates",
    response_class=Response,
    responses=responses(400, 404, 410, 412, 415, 422),
    openapi_extra=_FRAGMENT,
)
async def trickle(request: Request, session_id: str, peer_id: str, state: StateDep) -> Response:
    """Candidates that were found after the offer (RFC 8840)."""
    return await _trickle(request, state, peer_id, session_id)


@router.delete("/sessions/{session_id}/whep/{peer_id}", summary="Stop watching", responses=responses(404))
async def leave(session_id: str, peer_id: str, state: StateDep) -> Response:
    """Disconnects this viewer; the session stays."""
    await state.peers.get(peer_id, session_id).close()
    return Response(status_code=200)


@router.post(
    "/whep",
    status_code=201,
    summary="Watch a new session over WebRTC",
    response_class=Response,
    responses={**_ANSWER, **responses(400, 401, 404, 415, 422, 503)},
    openapi_extra=_OFFER,
    dependencies=[NeedsApiKey],
)
async def watch_new(
    request: Request,
    state: StateDep,
    avatar: Annotated[AvatarId | None, Query(description="Who to show.")] = None,
) -> Response:
    """For plain WHEP players: a session of the viewer's own, which ends when it leaves."""
    offer = await _offer(request)
    # A session may take the place of one that was left; an offer that is no use is to take nobody's.
    read_offer(offer)
    session = await state.sessions.create(avatar or state.settings.avatar)
    try:
        return await _answer(state, session, offer, "/v1/whep", owns_session=True)
    except BaseException:
        # It may have ended meanwhile; what is told is why there is no answer.
        with suppress(SessionNotFound):
            await state.sessions.close(session.id)
        raise


@router.options("/whep", status_code=204, summary="What WHEP takes", response_class=Response)
async def watch_new_options() -> Response:
    """Says which bodies are taken."""
    return _options()


@router.patch(
    "/whep/{peer_id}",
    status_code=204,
    summary="Add ICE candidates",
    response_class=Response,
    responses=responses(400, 404, 410, 412, 415, 422),
    openapi_extra=_FRAGMENT,
)
async def trickle_new(request: Request, peer_id: str, state: StateDep) -> Response:
    """Candidates that were found after the offer (RFC 8840)."""
    return await _trickle(request, state, peer_id, None)


@router.delete("/whep/{peer_id}", summary="Stop watching", responses=responses(404))
async def leave_new(peer_id: str, state: StateDep) -> Response:
    """Disconnects this viewer and ends its session."""
    await state.peers.get(peer_id).close()
    return Response(status_code=200)
