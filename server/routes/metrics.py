"""Metrics for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Response

from server.metrics import CONTENT_TYPE
from server.problems import responses
from server.security import SCHEMES
from server.state import NeedsApiKey, StateDep

router = APIRouter(tags=["operation"], dependencies=SCHEMES)


@router.get(
    "/metrics",
    summary="Metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **responses(401)},
    dependencies=[NeedsApiKey],
)
async def metrics(state: StateDep) -> Response:
    """In Prometheus' text format."""
    return Response(state.metrics.text(), headers={"Content-Type": CONTENT_TYPE})
