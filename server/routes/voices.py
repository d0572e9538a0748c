"""Voices: who can speak now, and voices of people, made from recordings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response
from starlette.requests import HTTPConnection

from server.middleware import BodyRule
from server.models import VoiceList, VoiceProfileCreated, VoiceProfileDetails
from server.problems import HTTPProblem, responses
from server.routes.audio import FORM_BYTES, PAUSE_SECONDS, UPLOAD_SECONDS
from server.security import CHALLENGE, SCHEMES, has_api_key, presented, require_api_key
from server.settings import Settings
from server.state import NeedsApiKey, State, StateDep
from server.uploads import BINARY, FORM
from server.voice_profiles import FIELDS, needed_engine, owns
from streaming.errors import LipstreamError, VoiceNotFound
from streaming.performer.base import PerformerDescription
from streaming.protocol import AvatarId
from streaming.speech.profiles.check import MAX_SECONDS, MIN_SECONDS
from streaming.speech.profiles.errors import ProfileInvalid
from streaming.speech.profiles.manifest import (
    MAX_LINE,
    MAX_NAME,
    MAX_TRANSCRIPT,
    MIN_CONSENT,
    VoiceProfile,
)

PRIVATE = {"Cache-Control": "no-store"}
VOICE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": BINARY
                        | {"description": f"{MIN_SECONDS:.0f} to {MAX_SECONDS:.0f} s of one person alone."},
                        "name": {"type": "string", "maxLength": MAX_NAME, "example": "Jane Roe"},
                        "consent": {
                            "type": "string",
                            "minLength": MIN_CONSENT,
                            "maxLength": MAX_LINE,
                            "description": "Who speaks, and that this person agreed to it.",
                            "example": "This is my own voice.",
                        },
                        "transcript": {
                            "type": "string",
                            "maxLength": MAX_TRANSCRIPT,
                            "description": "Exactly what is said. Without, only the sound is cloned.",
                            "example": "The quick brown fox jumps over the lazy dog.",
                        },
                        "language": {
                            "type": "string",
                            "description": "BCP 47; told from the transcript if absent.",
                            "example": "en",
                        },
                        "id": {"type": "string", "description": "Made from the name if absent."},
                        "author": {"type": "string", "maxLength": MAX_LINE, "description": "Who makes it."},
                    },
                    "required": ["file", "name", "consent"],
                    "additionalProperties": False,
                }
            }
        },
    }
}
"""The form that makes a voice, for OpenAPI."""

router = APIRouter(prefix="/v1/voices", tags=["voices"], dependencies=SCHEMES)

ProfilePath = Annotated[AvatarId, Path(description="Id of a voice profile.")]


def body_rules(settings: Settings) -> dict[re.Pattern[str], BodyRule]:
    """What the body of a new voice may be."""
    form = BodyRule(settings.max_audio_bytes + FORM_BYTES, UPLOAD_SECONDS, PAUSE_SECONDS)
    return {re.compile(r"/v1/voices"): form}


async def _description(state: State) -> PerformerDescription | None:
    """What the performer is made of; ``None`` while it has not come up."""
    if state.description is None:
        return None
    try:
        return await state.performer.describe()
    except LipstreamError:
        # It is being started again, and will be what it was.
        return state.description


async def _engines(state: State) -> tuple[str, ...]:
    """The engines that can speak with profiles now."""
    description = await _description(state)
    return () if description is None else await state.voice_profiles.engines(description)


def _describe(profile: VoiceProfile, engines: Sequence[str]) -> dict[str, object]:
    return {
        "id": profile.id,
        "kind": "profile",
        "name": profile.name,
        "language": profile.language,
        "has_transcript": profile.transcript is not None,
        "seconds": profile.reference.seconds,
        "created": profile.created.isoformat().replace("+00:00", "Z"),
        "engines": list(engines),
        "needs": "" if engines else needed_engine(),
    }


def _details(profile: VoiceProfile, engines: Sequence[str], *, for_owner: bool) -> dict[str, object]:
    known: dict[str, object] = {
        **_describe(profile, engines),
        "check": msgspec.to_builtins(profile.check),
        "reference_url": f"/v1/voices/{profile.id}/reference.wav",
    }
    if for_owner:
        source = profile.provenance
        known |= {"transcript": profile.transcript, "consent": profile.consent, "author": source.author}
        known |= {"source": source.source, "source_sha256": source.sha256, "note": source.note}
    return known


def _is_owner(connection: HTTPConnection, state: State, profile: VoiceProfile) -> bool:
    return owns(presented(connection), profile) or has_api_key(connection, state.settings)


async def _require_owner(connection: HTTPConnection, state: State, profile: str) -> None:
    found = await _find(connection, state, profile)
    if found is None or not _is_owner(connection, state, found):
        raise HTTPProblem(
            401,
            "unauthorized",
            "This needs the token that came when the voice was made: Authorization: Bearer. Voices made by "
            "the command line belong to the API key and to lipstream voice.",
            CHALLENGE,
        )


async def _find(connection: HTTPConnection, state: State, profile: str) -> VoiceProfile | None:
    """A profile; ``None`` for a stranger who tries ids, which are names of people, and may not learn of one.

    Raises:
        VoiceNotFound: there is none with this id.
        ProfileInvalid: it is damaged.
    """
    try:
        return await asyncio.to_thread(state.voice_profiles.store.get, profile)
    except (VoiceNotFound, ProfileInvalid):
        if state.settings.api_key is not None and not has_api_key(connection, state.settings):
            return None
        raise


@router.get(
    "",
    summary="List voices",
    response_model=VoiceList,
    responses=responses(401, 503),
    dependencies=[NeedsApiKey],
)
async def list_all(state: StateDep) -> dict[str, object]:
    """All voices that can speak now, in order of the engines; the first is the default.

    Under `profiles`, voices of people, and which engines can speak with them now.
    """
    description = await state.performer.describe()
    engines = await state.voice_profiles.engines(description)
    entries = await asyncio.to_thread(state.voice_profiles.store.list)
    return {
        "voices": [
            {
                "name": voice.name,
                "engine": voice.engine,
                "languages": list(voice.languages),
                "description": voice.description,
            }
            for voice in description.voices
        ],
        "profiles": [_describe(entry.profile, engines) for entry in entries if entry.profile],
        "max_profiles": state.settings.max_voice_profiles,
    }


@router.post(
    "",
    status_code=201,
    summary="Make a voice",
    response_model=VoiceProfileCreated,
    responses=responses(400, 401, 408, 409, 413, 415, 422, 503),
    dependencies=[NeedsApiKey],
    openapi_extra=VOICE_BODY,
)
async def create(request: Request, state: StateDep, response: Response) -> dict[str, object]:
    """Make a voice of a recording of one person, who has agreed to it.

    The recording is checked: one that is too short, too quiet, clipped or without speech is refused with 422
    `voice_rejected`, and `check` in the problem has the figures. The token in the answer hears and deletes
    the voice, and is not shown again.
    """
    await asyncio.to_thread(state.voice_profiles.require_open)
    async with state.uploads.receive_form(request, FIELDS) as form:
        profile, token = await state.voice_profiles.create(form, await _taken(state))
    response.headers["Location"] = f"/v1/voices/{profile.id}"
    response.headers.update(PRIVATE)
    return {**_details(profile, await _engines(state), for_owner=True), "token": token}


@router.get(
    "/{voice}",
    summary="Look at a voice profile",
    response_model=VoiceProfileDetails,
    response_model_exclude_unset=True,
    responses=responses(401, 404, 422),
)
async def get(voice: ProfilePath, request: Request, state: StateDep, response: Response) -> dict[str, object]:
    """What is known of it; its owner also sees transcript, consent and where it comes from."""
    profile = await _find(request, state, voice)
    for_owner = profile is not None and _is_owner(request, state, profile)
    if not for_owner:
        require_api_key(request, state.settings)
    assert profile is not None, "nothing is kept from who has the key, or where there is none"
    response.headers.update(PRIVATE)
    return _details(profile, await _engines(state), for_owner=for_owner)


@router.get(
    "/{voice}/reference.wav",
    summary="Hear a voice profile",
    response_class=Response,
    responses={200: {"content": {"audio/wav": {}}}, **responses(401, 404, 422)},
)
async def reference(voice: ProfilePath, request: Request, state: StateDep) -> Response:
    """The recording that the voice is cloned from: 24 kHz, mono, 16 bit. For its owner only."""
    await _require_owner(request, state, voice)
    data = await asyncio.to_thread(state.voice_profiles.store.reference, voice)
    return Response(data, media_type="audio/wav", headers=PRIVATE)


@router.delete(
    "/{voice}", status_code=204, summary="Delete a voice profile", responses=responses(401, 404, 422)
)
async def delete(voice: ProfilePath, request: Request, state: StateDep) -> None:
    """Removes the recording and all that was made of it. For its owner only."""
    # Who has the key can remove a damaged one, too.
    if not has_api_key(request, state.settings):
        await _require_owner(request, state, voice)
    await asyncio.to_thread(state.voice_profiles.store.delete, voice)


async def _taken(state: State) -> frozenset[str]:
    """Names of installed voices, which no profile may hide."""
    description = await _description(state)
    return frozenset(voice.name for voice in description.voices) if description else frozenset()
