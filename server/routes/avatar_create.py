"""Avatars made of photos and videos that clients send or name."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from precompute.photo import MAX_BYTES as MAX_PHOTO_BYTES
from server.avatar_orders import source_of_address, source_of_file
from server.job_models import AvatarAtAddress, AvatarWish, JobCreated
from server.jobs import AvatarJob
from server.middleware import BodyRule
from server.problems import HTTPProblem, responses
from server.routes.audio import FORM_BYTES, PAUSE_SECONDS
from server.routes.avatar_exchange import UPLOAD_SECONDS
from server.routes.jobs import PRIVATE, describe
from server.security import SCHEMES
from server.settings import Settings
from server.state import NeedsApiKey, State, StateDep
from server.uploads import BINARY, FORM, JSON, Kind, invalid, media_type, read_json

FILES = ("file", "backdrop")
FIELDS = tuple(AvatarWish.model_fields)
ACCEPT_POST = {"Accept-Post": f"{FORM}, {JSON}"}
SOURCE = Kind("photo or video", lambda kind: False, FORM, "me.jpg", ACCEPT_POST)


def _form_schema() -> dict[str, Any]:
    schema = AvatarWish.model_json_schema()
    megabytes = MAX_PHOTO_BYTES >> 20
    sent = {
        "description": f"A photo (JPEG, PNG, WebP, AVIF, HEIC; at most {megabytes} MB) of one person from "
        "the front, or a video (MP4, MOV, WebM) of 1 to 60 s."
    }
    behind = {"description": "A picture or a film to be put behind the person."}
    schema["properties"] = {"file": BINARY | sent, "backdrop": BINARY | behind, **schema["properties"]}
    schema["required"] = ["file", *schema["required"]]
    return schema


AVATAR_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A form with the photo or video, or JSON that says where it is.",
        "content": {
            FORM: {"schema": _form_schema()},
            JSON: {
                "schema": AvatarAtAddress.model_json_schema(),
                "example": {
                    "url": "https://example.org/anna.jpg",
                    "name": "Anna",
                    "background": "blur",
                    "consent": "This is me, and I want it.",
                },
            },
        },
    }
}
"""What makes an avatar, for OpenAPI."""

router = APIRouter(prefix="/v1/avatars", tags=["avatars"], dependencies=SCHEMES)


def body_rules(settings: Settings) -> dict[re.Pattern[str], BodyRule]:
    """What the body of a new avatar may be."""
    rule = BodyRule(settings.max_source_bytes + FORM_BYTES, UPLOAD_SECONDS, PAUSE_SECONDS)
    return {re.compile(r"/v1/avatars"): rule}


@dataclass(frozen=True, slots=True)
class _Received:
    """A wish with its files, which are open as long as the block that gives it."""

    wish: AvatarWish
    source: BinaryIO
    backdrop: BinaryIO | None
    name: str


@router.post(
    "",
    status_code=202,
    summary="Make an avatar",
    response_model=JobCreated,
    responses=responses(400, 401, 408, 409, 413, 415, 422, 502, 503),
    dependencies=[NeedsApiKey],
    openapi_extra=AVATAR_BODY,
)
async def create(request: Request, state: StateDep, response: Response) -> dict[str, object]:
    """Queue a photo or video of a person, who has agreed to it, to become an avatar.

    What can be told at once is refused at once: `409 avatar_exists`, `422` with `not_an_image`,
    `image_too_large`, `heif_not_installed`, `fetch_refused` or `invalid_request`, `502 fetch_failed`,
    `503` with `capacity_reached` (come back later), `engine_unavailable` or `jobs_unavailable`. What only
    looking tells (`no_face`, `several_faces`, `face_too_small` and others) is the `code` of the failed job.
    The token in the answer follows and cancels the job, and is not shown again.
    """
    state.jobs.check_room("avatar")
    async with _received(request, state) as sent:
        order_of = state.avatar_orders.order(
            sent.wish, state.store, partial(_wanted, state), sent.source, sent.backdrop, sent.name
        )
        async with order_of as order:
            job = await state.jobs.submit_avatar(order, sent.source, sent.backdrop)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    response.headers.update(PRIVATE)
    return {**describe(job), "token": job.token}


def _wanted(state: State) -> set[str]:
    """Ids of avatars that are being made."""
    jobs = state.jobs.all("avatar")
    return {job.order.avatar for job in jobs if isinstance(job, AvatarJob) and not job.ended}


@asynccontextmanager
async def _received(request: Request, state: State) -> AsyncGenerator[_Received]:
    kind = media_type(request)
    if kind == JSON:
        wish = await read_json(request, AvatarAtAddress)
        async with _fetched(wish, state) as received:
            yield received
    elif kind == FORM:
        async with state.uploads.receive_files(request, SOURCE, FILES, FIELDS) as form:
            file, backdrop = form.files["file"], form.files.get("backdrop")
            yield _Received(
                _wish(form.fields),
                file.file,
                backdrop.file if backdrop else None,
                source_of_file(file.filename),
            )
    else:
        raise HTTPProblem(
            415,
            "unsupported_media_type",
            f"Send the photo or video as a form (Content-Type: {FORM}), or its address as {JSON}.",
            ACCEPT_POST,
        )


@asynccontextmanager
async def _fetched(wish: AvatarAtAddress, state: State) -> AsyncGenerator[_Received]:
    most = state.settings.max_source_bytes
    name = source_of_address(wish.url)
    with state.uploads.place():
        async with state.fetcher.fetch(wish.url, most) as source:
            if wish.backdrop_url is None:
                yield _Received(wish, source.file, None, name)
                return
            async with state.fetcher.fetch(wish.backdrop_url, most - source.size) as backdrop:
                yield _Received(wish, source.file, backdrop.file, name)


def _wish(fields: dict[str, str]) -> AvatarWish:
    """What the texts of a form say; pages send those that nobody filled in, too."""
    try:
        return AvatarWish.model_validate({name: text for name, text in fields.items() if text.strip()})
    except ValidationError as error:
        raise invalid(error) from error
