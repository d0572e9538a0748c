"""Sessions over HTTP: create, say, append, interrupt, change the avatar, close."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from server.models import (
    Accepted,
    Interrupted,
    SessionCreate,
    SessionCreated,
    SessionInfo,
    SessionLinks,
    SessionList,
)
from server.problems import responses
from server.security import SCHEMES
from server.state import NeedsApiKey, OwnedSession, StateDep
from streaming.protocol import Append, ChangeAvatar, Say
from streaming.session import Session
from streaming.timing import FPS

router = APIRouter(prefix="/v1/sessions", tags=["sessions"], dependencies=SCHEMES)


def _describe(session: Session) -> dict[str, object]:
    path = f"/v1/sessions/{session.id}"
    return {
        "id": session.id,
        "avatar": session.avatar,
        "state": session.state,
        "generation": session.generation,
        "width": session.width,
        "height": session.height,
        "fps": FPS,
        "viewers": session.viewers,
        "created": session.created,
        "links": SessionLinks(self=path, whep=f"{path}/whep", websocket=f"{path}/ws"),
    }


@router.post(
    "",
    status_code=201,
    summary="Create a session",
    response_model=SessionCreated,
    responses=responses(401, 404, 422, 503),
    dependencies=[NeedsApiKey],
)
async def create(
    state: StateDep, response: Response, body: Annotated[SessionCreate | None, Body()] = None
) -> dict[str, object]:
    """A person who waits to be told what to say. Watch it over WHEP or a WebSocket; it ends when nobody does.

    The token in the answer is needed for everything done to the session and is not shown again.
    """
    body = body or SessionCreate()
    await state.require_voice(body.voice)
    session = await state.sessions.create(
        body.avatar or state.settings.avatar,
        voice=body.voice,
        language=body.language,
        background=body.background,
    )
    response.headers["Location"] = f"/v1/sessions/{session.id}"
    response.headers["Cache-Control"] = "no-store"
    return {**_describe(session), "token": session.token, "ice_servers": state.settings.ice_servers}


@router.get(
    "",
    summary="List sessions",
    response_model=SessionList,
    responses=responses(401),
    dependencies=[NeedsApiKey],
)
async def list_all(state: StateDep) -> dict[str, object]:
    """All open sessions, oldest first, without their tokens."""
    return {"sessions": [_describe(session) for session in state.sessions.all()]}


@router.get(
    "/{session_id}", summary="Look at a session", response_model=SessionInfo, responses=responses(401, 404)
)
async def get(session: OwnedSession) -> dict[str, object]:
    """Its state, size and viewers."""
    return _describe(session)


@router.delete("/{session_id}", status_code=204, summary="Close a session", responses=responses(401, 404))
async def close(session: OwnedSession, state: StateDep) -> None:
    """Ends it for all viewers."""
    await state.sessions.close(session.id)


@router.post(
    "/{session_id}/say",
    status_code=202,
    summary="Say something",
    response_model=Accepted,
    responses=responses(401, 404, 410, 422, 503),
)
async def say(session: OwnedSession, body: Say) -> dict[str, object]:
    """Queue an utterance; ``final: false`` leaves it open, ``interrupt: true`` drops what waits first."""
    utterance = await session.say(
        body.text,
        utterance=body.utterance,
        final=body.final,
        interrupt=body.interrupt,
        voice=body.voice,
        language=body.language,
        speed=body.speed,
        delivery=body.delivery,
    )
    return {"utterance": utterance, "generation": session.generation}


@router.post(
    "/{session_id}/append",
    status_code=202,
    summary="Say more",
    response_model=Accepted,
    responses=responses(401, 404, 410, 422),
)
async def append(session: OwnedSession, body: Append) -> dict[str, object]:
    """More text for an open utterance: a language model's tokens, as they come. ``final: true`` ends it."""
    await session.append(body.utterance, body.text, body.final)
    return {"utterance": body.utterance, "generation": session.generation}


@router.post(
    "/{session_id}/interrupt",
    summary="Stop speaking",
    response_model=Interrupted,
    responses=responses(401, 404, 410),
)
async def interrupt(session: OwnedSession) -> dict[str, object]:
    """Stop at once and drop everything that waits."""
    return {"generation": await session.interrupt()}


@router.put(
    "/{session_id}/avatar",
    summary="Change the avatar",
    response_model=SessionInfo,
    responses=responses(401, 404, 410, 422),
)
async def change_avatar(session: OwnedSession, body: ChangeAvatar) -> dict[str, object]:
    """Show another avatar from the next frame on; speech goes on."""
    await session.change_avatar(body.avatar)
    return _describe(session)
