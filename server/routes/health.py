"""Liveness and readiness, for load balancers and for people."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Response

from server.models import Card, Health, Ready
from server.state import StateDep
from server.version import program_version

router = APIRouter(tags=["operation"])


@router.get("/health", summary="Liveness", response_model=Health)
async def health() -> Health:
    """Answers as long as the process does."""
    return Health(version=program_version())


@router.get(
    "/ready",
    summary="Readiness",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "A new session would not work now."}},
)
async def ready(state: StateDep, response: Response) -> Ready:
    """Whether a new session would work, and if not, why."""
    performer = state.performer
    report = Ready(
        ready=performer.ready,
        performer="ready" if performer.ready else "failed" if state.failure else "starting",
        detail="" if performer.ready else state.failure or state.doing,
        restarts=performer.restarts,
        sessions=len(state.sessions.all()),
        max_sessions=state.sessions.max_sessions,
    )
    if not performer.ready:
        response.status_code = 503
        return report
    described = await performer.describe()
    report.speech = list(described.speech)
    report.face = described.face
    report.device = described.device
    if described.card is not None:
        report.card = Card(**msgspec.structs.asdict(described.card))
    return report
