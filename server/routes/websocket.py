"""A session over one WebSocket: commands in, events and media out."""

from __future__ import annotations

import asyncio
from typing import get_args

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from server.problems import HTTPProblem, problem_of
from server.security import require_owner
from server.state import State, StateDep
from streaming.commands import CommandLine
from streaming.errors import LipstreamError
from streaming.session import Session
from streaming.sinks.websocket import WebSocketFormat, WebSocketSink

NORMAL = 1000
INTERNAL_ERROR = 1011

router = APIRouter()
_log = structlog.get_logger(__name__)


@router.websocket("/v1/sessions/{session_id}/ws")
async def watch(websocket: WebSocket, session_id: str, state: StateDep) -> None:
    """``?format=webcodecs|fmp4|none``; the token as Bearer or ``?token=``. See ``streaming.protocol``."""
    try:
        session, sink = _admit(websocket, session_id, state)
    except (HTTPProblem, LipstreamError) as error:
        await websocket.send_denial_response(problem_of(error))
        return
    with structlog.contextvars.bound_contextvars(session=session_id):
        try:
            await websocket.accept()
            await _serve(websocket, session, sink)
        finally:
            session.detach(sink)


def _admit(websocket: WebSocket, session_id: str, state: State) -> tuple[Session, WebSocketSink]:
    """Check everything before the handshake, so that a refusal is an HTTP error; attach the viewer."""
    session = state.sessions.get(session_id)
    require_owner(websocket, state.settings, session, query=True)
    wanted = websocket.query_params.get("format", "webcodecs")
    for format in get_args(WebSocketFormat):
        if format == wanted:
            break
    else:
        raise HTTPProblem(422, "invalid_request", "?format= is one of webcodecs, fmp4 and none.")
    sink = WebSocketSink(format, session.width, session.height, lambda: session.request_keyframe("h264"))
    session.attach(sink)
    return session, sink


async def _serve(websocket: WebSocket, session: Session, sink: WebSocketSink) -> None:
    """Send and receive until either side ends. Sound that comes too fast is not read: TCP holds it back."""
    sending = asyncio.create_task(_send(websocket, sink), name=f"ws-send-{session.id}")
    line = session.commands()
    receiving = asyncio.create_task(_receive(websocket, line, sink), name=f"ws-receive-{session.id}")
    try:
        await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, receiving):
            task.cancel()
        outcomes = await asyncio.gather(sending, receiving, return_exceptions=True)
        await line.close()
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
            _log.error("websocket failed", exc_info=outcome)
            await websocket.close(INTERNAL_ERROR, "the server failed")
            return


async def _send(websocket: WebSocket, sink: WebSocketSink) -> None:
    async for message in sink.messages():
        if isinstance(message, str):
            await websocket.send_text(message)
        else:
            await websocket.send_bytes(message)
    await websocket.close(NORMAL, "the session has ended")


async def _receive(websocket: WebSocket, line: CommandLine, sink: WebSocketSink) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text, data = message.get("text"), message.get("bytes")
        answer = await line.handle(data if text is None and data is not None else text or "")
        if answer is not None:
            # Through the sink, so that answers keep their order among the events.
            sink.notify(answer)
