"""Avatars: what can be shown, with a poster and an idle loop for each."""

from __future__ import annotations

import asyncio
import hmac
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from avatars.errors import AvatarError, AvatarNotFound, BundleInvalid
from avatars.manifest import Manifest
from avatars.store import AvatarEntry
from precompute.photo import MAX_BYTES as MAX_PHOTO_BYTES
from server.files import file_response
from server.models import AvatarDetails, AvatarList
from server.problems import HTTPProblem, responses
from server.security import SCHEMES, require_api_key
from server.state import NeedsApiKey, State, StateDep
from streaming.protocol import AvatarId

IMMUTABLE = "private, max-age=31536000, immutable"

router = APIRouter(prefix="/v1/avatars", tags=["avatars"], dependencies=SCHEMES)

AvatarPath = Annotated[AvatarId, Path()]
Version = Annotated[str | None, Query(max_length=64, description="As given in the avatar's addresses.")]
Media = Literal["poster.webp", "idle.mp4", "alpha.png", "steps.webp", "report.json"]
MEDIA_TYPES: dict[Media, str] = {
    "poster.webp": "image/webp",
    "idle.mp4": "video/mp4",
    "alpha.png": "image/png",
    "steps.webp": "image/webp",
    "report.json": "application/json",
}


def _describe(entry: AvatarEntry, manifest: Manifest, state: State) -> dict[str, object]:
    return {
        "id": manifest.id,
        "name": manifest.name,
        "width": manifest.width,
        "height": manifest.height,
        "builtin": entry.builtin,
        "default": manifest.id == state.settings.avatar,
        "licence": manifest.provenance.licence,
        "provenance": manifest.provenance.source,
        "engines": list(entry.engines),
        "background": manifest.background,
        "poster_url": _address(manifest, "poster.webp"),
        "idle_url": _address(manifest, "idle.mp4"),
        "alpha_url": _address(manifest, "alpha.png") if manifest.background == "transparent" else None,
    }


def _describe_all(entry: AvatarEntry, manifest: Manifest, state: State) -> dict[str, object]:
    made = manifest.provenance
    return {
        **_describe(entry, manifest, state),
        "source": made.source,
        "author": made.author,
        "consent": made.consent,
        "tools": list(made.tools),
        "created": manifest.created.isoformat().replace("+00:00", "Z"),
        "fps": manifest.fps,
        "frames": manifest.frames,
        "loop": manifest.loop,
        "report_url": _address(manifest, "report.json"),
        "steps_url": _address(manifest, "steps.webp"),
    }


def _address(manifest: Manifest, name: Media) -> str | None:
    """Where a part is, if the avatar has it."""
    part = manifest.parts.get(name)
    return None if part is None else f"/v1/avatars/{manifest.id}/{name}?v={part.sha256}"


def _complete(manifest: Manifest | None) -> bool:
    return manifest is not None and "poster.webp" in manifest.parts and "idle.mp4" in manifest.parts


@router.get(
    "",
    summary="List avatars",
    response_model=AvatarList,
    responses=responses(401),
    dependencies=[NeedsApiKey],
)
async def list_all(state: StateDep) -> dict[str, object]:
    """All avatars that can be shown, those that ship with the program first."""
    entries = await asyncio.to_thread(state.store.list)
    return {
        "avatars": [
            _describe(entry, entry.manifest, state)
            for entry in entries
            if entry.manifest and _complete(entry.manifest)
        ],
        "limits": {
            "photo_bytes": min(MAX_PHOTO_BYTES, state.settings.max_source_bytes),
            "source_bytes": state.settings.max_source_bytes,
            "avatar_bytes": state.settings.max_avatar_bytes,
        },
    }


@router.get(
    "/{avatar}",
    summary="Look at an avatar",
    response_model=AvatarDetails,
    responses=responses(401, 404, 422),
    dependencies=[NeedsApiKey],
)
async def get(avatar: AvatarPath, state: StateDep) -> dict[str, object]:
    """Its name, size and loop, where it comes from, and how it was made."""
    return await details(avatar, state)


async def details(avatar: str, state: State) -> dict[str, object]:
    """What is told of one avatar.

    Raises:
        AvatarNotFound: there is none with this id that can be shown.
    """
    for entry in await asyncio.to_thread(state.store.list):
        if entry.id == avatar and entry.manifest and _complete(entry.manifest):
            return _describe_all(entry, entry.manifest, state)
    raise AvatarNotFound(f"There is no avatar '{avatar}'. GET /v1/avatars lists what there is.")


async def _media(state: State, request: Request, avatar: str, name: Media, version: str | None) -> Response:
    try:
        path, part = await asyncio.to_thread(state.store.part, avatar, name)
    except AvatarError:
        # Without the key, what is missing looks like what is closed.
        require_api_key(request, state.settings)
        raise
    # Pictures are shown by elements that send no headers. Who knows the SHA-256 has been given the address.
    known = version is not None and hmac.compare_digest(version.encode(), part.sha256.encode())
    if not known:
        require_api_key(request, state.settings)
    return await file_response(
        request, path, MEDIA_TYPES[name], {"Cache-Control": IMMUTABLE if known else "no-cache"}
    )


async def _record(state: State, request: Request, avatar: str, name: Media, version: str | None) -> Response:
    """The same for what not every avatar has."""
    try:
        return await _media(state, request, avatar, name, version)
    except BundleInvalid:
        if name in (await asyncio.to_thread(state.store.manifest, avatar)).parts:
            raise
        raise HTTPProblem(404, "not_recorded", f"The avatar '{avatar}' was made without {name}.") from None


def _media_responses(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"content": {media_type: {}}},
        206: {"description": "A range of it.", "content": {media_type: {}}},
        304: {"description": "The client has it already."},
        **responses(401, 404, 416, 422),
    }


@router.get(
    "/{avatar}/poster.webp",
    summary="An avatar's poster",
    response_class=Response,
    responses=_media_responses("image/webp"),
)
async def poster(avatar: AvatarPath, state: StateDep, request: Request, v: Version = None) -> Response:
    """A picture of the avatar at rest."""
    return await _media(state, request, avatar, "poster.webp", v)


@router.get(
    "/{avatar}/idle.mp4",
    summary="An avatar's idle loop",
    response_class=Response,
    responses=_media_responses("video/mp4"),
)
async def idle(avatar: AvatarPath, state: StateDep, request: Request, v: Version = None) -> Response:
    """A silent loop of the avatar at rest; byte ranges work."""
    return await _media(state, request, avatar, "idle.mp4", v)


@router.get(
    "/{avatar}/alpha.png",
    summary="An avatar's matte",
    response_class=Response,
    responses=_media_responses("image/png"),
)
async def alpha(avatar: AvatarPath, state: StateDep, request: Request, v: Version = None) -> Response:
    """Where the poster shows the person: white, else black. Avatars have it that say so (`alpha_url`)."""
    return await _record(state, request, avatar, "alpha.png", v)


@router.get(
    "/{avatar}/steps.webp",
    summary="How an avatar was made",
    response_class=Response,
    responses=_media_responses("image/webp"),
)
async def steps(avatar: AvatarPath, state: StateDep, request: Request, v: Version = None) -> Response:
    """A sheet with a picture of every step, where the avatar has one (`steps_url`)."""
    return await _record(state, request, avatar, "steps.webp", v)


@router.get(
    "/{avatar}/report.json",
    summary="What was judged when an avatar was made",
    response_class=Response,
    responses=_media_responses("application/json"),
)
async def report(avatar: AvatarPath, state: StateDep, request: Request, v: Version = None) -> Response:
    """Face, pose, light and others, by step, where the avatar has it (`report_url`)."""
    return await _record(state, request, avatar, "report.json", v)
