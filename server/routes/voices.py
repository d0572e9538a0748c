"""Voices: who can speak now."""

from __future__ import annotations

from fastapi import APIRouter

from server.models import VoiceList
from server.problems import responses
from server.security import SCHEMES
from server.state import NeedsApiKey, StateDep

router = APIRouter(prefix="/v1/voices", tags=["voices"], dependencies=SCHEMES)


@router.get(
    "",
    summary="List voices",
    response_model=VoiceList,
    responses=responses(401, 503),
    dependencies=[NeedsApiKey],
)
async def list_all(state: StateDep) -> dict[str, object]:
    """All voices that can speak now, in order of the engines; the first is the default."""
    description = await state.performer.describe()
    return {
        "voices": [
            {
                "name": voice.name,
                "engine": voice.engine,
                "languages": list(voice.languages),
                "description": voice.description,
            }
            for voice in description.voices
        ]
    }
