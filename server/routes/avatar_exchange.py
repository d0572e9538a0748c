"""Avatars as files: handed on, taken in, deleted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from avatars.archive import MEDIA_TYPE, SUFFIX, export_avatar
from avatars.unpacking import import_archive
from server.files import has_it
from server.middleware import BodyRule
from server.models import AvatarDetails, AvatarSource
from server.problems import responses
from server.routes.audio import FORM_BYTES, PAUSE_SECONDS
from server.routes.avatars import AvatarPath, details
from server.security import SCHEMES, require_api_key
from server.settings import Settings
from server.state import NeedsApiKey, State, StateDep
from server.uploads import BINARY, FORM, JSON, Kind, media_type, read_json
from streaming.protocol import AvatarId

UPLOAD_SECONDS = 1800.0
"""The largest file that is taken by default, at 1.2 Mbit/s."""

ARCHIVE_TYPES = (MEDIA_TYPE, "application/zip", "application/octet-stream")
AVATAR_FILE = Kind(
    "avatar's file",
    lambda kind: kind in ("", *ARCHIVE_TYPES),
    MEDIA_TYPE,
    f"anna{SUFFIX}",
    {"Accept-Post": ", ".join((*ARCHIVE_TYPES, FORM, JSON))},
)
IMPORT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file that GET /v1/avatars/{avatar}/bundle gives, or where to fetch it.",
        "content": {
            **{kind: {"schema": BINARY} for kind in ARCHIVE_TYPES},
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {"file": BINARY},
                    "required": ["file"],
                    "additionalProperties": False,
                }
            },
            JSON: {"schema": AvatarSource.model_json_schema()},
        },
    }
}

router = APIRouter(prefix="/v1/avatars", tags=["avatars"], dependencies=SCHEMES)

NewId = Annotated[
    AvatarId | None, Query(alias="id", description="A new id for it; its own when absent.", examples=["anna"])
]


def body_rules(settings: Settings) -> dict[re.Pattern[str], BodyRule]:
    """What the body of an avatar's file may be."""
    rule = BodyRule(settings.max_avatar_bytes + FORM_BYTES, UPLOAD_SECONDS, PAUSE_SECONDS)
    return {re.compile(r"/v1/avatars/import"): rule}


@router.get(
    "/{avatar}/bundle",
    summary="An avatar as one file",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": BINARY}}},
        304: {"description": "The client has it already."},
        **responses(401, 404, 422),
    },
)
async def bundle(avatar: AvatarPath, state: StateDep, request: Request) -> Response:
    """A zip with all of the avatar, to be taken in elsewhere. The same avatar always gives the same bytes.

    Avatars that ship with the program are anybody's; others need the API key, when one is set.
    """
    if not await asyncio.to_thread(state.store.ships, avatar):
        # Before anything is looked up: without the key, what is missing looks like what is closed.
        require_api_key(request, state.settings)
    export = await asyncio.to_thread(export_avatar, state.store, avatar)
    headers = {"ETag": f'"{export.digest}"', "Cache-Control": "private, no-cache"}
    if has_it(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    headers |= {
        "Content-Length": str(export.size),
        "Content-Disposition": f'attachment; filename="{export.filename}"',
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type=MEDIA_TYPE)
    chunks = export.chunks()
    # What cannot be read is told as a problem, while that is possible.
    first = await asyncio.to_thread(next, chunks)
    return StreamingResponse(_sent(first, chunks), headers=headers, media_type=MEDIA_TYPE)


async def _sent(first: bytes, chunks: Generator[bytes]) -> AsyncGenerator[bytes]:
    # A thread may still be reading when the client has gone; the files are closed with their last user.
    yield first
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk


@router.post(
    "/import",
    status_code=201,
    summary="Take in an avatar",
    response_model=AvatarDetails,
    responses=responses(400, 401, 408, 409, 413, 415, 422, 502, 503),
    dependencies=[NeedsApiKey],
    openapi_extra=IMPORT_BODY,
)
async def import_(
    request: Request, state: StateDep, response: Response, new_id: NewId = None
) -> dict[str, object]:
    """The body is the file, a form with it (`curl -F file=@anna.lipstream`), or JSON that says where it is.

    Every part is checked before anybody sees the avatar; a file that is damaged or unsafe leaves nothing
    behind. The server fetches no address of a private network unless `LIPSTREAM_FETCH_PRIVATE` is set.
    """
    async with _received(request, state) as file:
        taken = await asyncio.to_thread(import_archive, state.store, file, new_id)
    response.headers["Location"] = f"/v1/avatars/{taken.id}"
    return await details(taken.id, state)


@router.delete(
    "/{avatar}",
    status_code=204,
    summary="Delete an avatar",
    responses=responses(401, 403, 404, 422, 503),
    dependencies=[NeedsApiKey],
)
async def delete(avatar: AvatarPath, state: StateDep) -> None:
    """Sessions that show it go on. Avatars that ship with the program stay (403 `avatar_read_only`)."""
    await asyncio.to_thread(state.store.delete, avatar)


@asynccontextmanager
async def _received(request: Request, state: State) -> AsyncGenerator[BinaryIO]:
    """The file that a request carries or names."""
    if media_type(request) != JSON:
        async with state.uploads.receive(request, AVATAR_FILE) as file:
            yield file
        return
    source = await read_json(request, AvatarSource)
    with state.uploads.place():
        async with state.fetcher.fetch(source.url, state.settings.max_avatar_bytes) as fetched:
            yield fetched.file
