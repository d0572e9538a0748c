"""Avatars: what can be shown, with a poster and an idle loop for each."""

from __future__ import annotations

import asyncio
import hmac
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from avatars.errors import AvatarError, AvatarNotFound
from avatars.manifest import Manifest
from avatars.store import AvatarEntry
from server.files import file_response
from server.models import AvatarList, AvatarModel
from server.problems import responses
from server.security import SCHEMES, require_api_key
from server.state import NeedsApiKey, State, StateDep
from streaming.protocol import AvatarId

IMMUTABLE = "private, max-age=31536000, immutable"

router = APIRouter(prefix="/v1/avatars", tags=["avatars"], dependencies=SCHEMES)

AvatarPath = Annotated[AvatarId, Path()]
Version = Annotated[str | None, Query(max_length=64, description="As given in the avatar's addresses.")]
Media = Literal["poster.webp", "idle.mp4"]


def _describe(entry: AvatarEntry, manifest: Manifest, state: State) -> dict[str, object]:
    path = f"/v1/avatars/{manifest.id}"
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
        "poster_url": f"{path}/poster.webp?v={manifest.parts['poster.webp'].sha256}",
        "idle_url": f"{path}/idle.mp4?v={manifest.parts['idle.mp4'].sha256}",
    }


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
        ]
    }


@router.get(
    "/{avatar}",
    summary="Look at an avatar",
    response_model=AvatarModel,
    responses=responses(401, 404, 422),
    dependencies=[NeedsApiKey],
)
async def get(avatar: AvatarPath, state: StateDep) -> dict[str, object]:
    """Its name, size and where it comes from."""
    return await details(avatar, state)


async def details(avatar: str, state: State) -> dict[str, object]:
    """What is told of one avatar.

    Raises:
        AvatarNotFound: there is none with this id that can be shown.
    """
    for entry in await asyncio.to_thread(state.store.list):
        if entry.id == avatar and entry.manifest and _complete(entry.manifest):
            return _describe(entry, entry.manifest, state)
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
    media_type = "image/webp" if name == "poster.webp" else "video/mp4"
    return await file_response(
        request, path, media_type, {"Cache-Control": IMMUTABLE if known else "no-cache"}
    )


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
