"""Avatars: what can be shown, with a poster and an idle loop for each."""

from __future__ import annotations

import asyncio
import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse
from starlette.requests import HTTPConnection

from avatars.errors import AvatarNotFound
from avatars.manifest import Manifest
from avatars.store import AvatarEntry
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
    for entry in await asyncio.to_thread(state.store.list):
        if entry.id == avatar and entry.manifest and _complete(entry.manifest):
            return _describe(entry, entry.manifest, state)
    raise AvatarNotFound(f"There is no avatar '{avatar}'. GET /v1/avatars lists what there is.")


async def _media(
    state: State, connection: HTTPConnection, avatar: str, name: Media, version: str | None
) -> Response:
    bundle = await asyncio.to_thread(state.store.get, avatar)
    path = bundle.part(name)
    digest = bundle.manifest.parts[name].sha256
    # Pictures are shown by elements that send no headers. Who knows the SHA-256 has been given the address.
    known = version is not None and hmac.compare_digest(version.encode(), digest.encode())
    if not known:
        require_api_key(connection, state.settings)
    media_type = "image/webp" if name == "poster.webp" else "video/mp4"
    return FileResponse(
        path, media_type=media_type, headers={"Cache-Control": IMMUTABLE if known else "no-cache"}
    )


@router.get(
    "/{avatar}/poster.webp",
    summary="An avatar's poster",
    response_class=FileResponse,
    responses={200: {"content": {"image/webp": {}}}, **responses(401, 404, 422)},
)
async def poster(
    avatar: AvatarPath, state: StateDep, connection: HTTPConnection, v: Version = None
) -> Response:
    """A picture of the avatar at rest."""
    return await _media(state, connection, avatar, "poster.webp", v)


@router.get(
    "/{avatar}/idle.mp4",
    summary="An avatar's idle loop",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}}}, **responses(401, 404, 422)},
)
async def idle(
    avatar: AvatarPath, state: StateDep, connection: HTTPConnection, v: Version = None
) -> Response:
    """A silent loop of the avatar at rest; byte ranges work."""
    return await _media(state, connection, avatar, "idle.mp4", v)
