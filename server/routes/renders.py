"""Renders: submit, follow, download, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.requests import HTTPConnection

from server.captions import webvtt
from server.files import file_response
from server.jobs import RenderJob
from server.models import BACKGROUND, Render, RenderCreate, RenderCreated, RenderList
from server.problems import HTTPProblem, responses
from server.security import SCHEMES, require_owner
from server.state import NeedsApiKey, StateDep
from server.uploads import RECORDING_BODY
from streaming.errors import ScriptRejected
from streaming.protocol import AvatarId
from streaming.render import RenderRequest
from streaming.sinks.formats import FORMATS, FilmFormat, Suffix

MAX_WAIT_SECONDS = 60.0
OWN = {"Cache-Control": "private, max-age=3600"}
Seed = Annotated[int, Query(ge=0, lt=2**31, description="The same seed gives the same picture and sound.")]
FormatQuery = Annotated[
    FilmFormat, Query(description="Of the film; all but mp4 keep an avatar without a background transparent.")
]
BackgroundQuery = Annotated[str | None, Query(max_length=64, description=BACKGROUND)]
TokenQuery = Annotated[str | None, Query(description="The render's token, for players that send no headers.")]

_MEDIA: dict[str, object] = {film.media_type: {} for film in FORMATS.values()}

router = APIRouter(prefix="/v1/renders", tags=["renders"], dependencies=SCHEMES)


async def _owned(render_id: str, connection: HTTPConnection, state: StateDep) -> RenderJob:
    job = state.renders.get(render_id)
    require_owner(connection, state.settings, job)
    return job


async def _owned_media(
    render_id: str, connection: HTTPConnection, state: StateDep, token: TokenQuery = None
) -> RenderJob:
    """As above; the token may also come in the query, since media elements and links send no headers."""
    job = state.renders.get(render_id)
    require_owner(connection, state.settings, job, query=True)
    return job


OwnedRender = Annotated[RenderJob, Depends(_owned)]
OwnedMedia = Annotated[RenderJob, Depends(_owned_media)]


def describe(job: RenderJob, *, for_owner: bool = True) -> dict[str, object]:
    """A render as its routes show it; addresses of results, which hold the token, for its owner only."""
    path = f"/v1/renders/{job.id}"
    done = job.status == "done" and for_owner
    told = done and job.request.kind == "text"
    return {
        "id": job.id,
        "kind": job.request.kind,
        "status": job.status,
        "progress": round(job.progress, 3),
        "avatar": job.request.avatar,
        "format": job.request.format,
        "created": job.created,
        "finished": job.finished,
        "seconds": job.result.seconds if job.result else None,
        "result_url": f"{path}/{_name(job)}?token={job.token}" if done else None,
        "captions_url": f"{path}/captions.vtt?token={job.token}" if told else None,
        "code": job.code,
        "message": job.message,
    }


def _name(job: RenderJob) -> str:
    return f"video{FORMATS[job.request.format].suffix}"


def _finished(job: RenderJob) -> RenderJob:
    if job.status == "done":
        return job
    if job.ended:
        why = job.message or "It was cancelled."
        raise HTTPProblem(409, "render_not_done", f"This render has no result: it is {job.status}. {why}")
    raise HTTPProblem(409, "render_not_done", f"This render is {job.status}. Ask again when it is done.")


@router.post(
    "",
    status_code=202,
    summary="Render a video",
    response_model=RenderCreated,
    responses=responses(401, 404, 422, 503),
    dependencies=[NeedsApiKey],
)
async def create(body: RenderCreate, state: StateDep, response: Response) -> dict[str, object]:
    """Queue a script for a film. The token in the answer opens the result and is not shown again."""
    if not body.text.strip():
        raise ScriptRejected("The text is empty. Write what the avatar is to say.")
    avatar = body.avatar or state.settings.avatar
    await state.require_avatar(avatar, body.background)
    await state.require_voice(body.voice)
    job = await state.renders.submit(
        RenderRequest(
            text=body.text,
            avatar=avatar,
            voice=body.voice,
            language=body.language,
            speed=body.speed,
            delivery=body.delivery,
            seed=body.seed,
            format=body.format,
            background=body.background,
            created=state.clock.wall(),
        )
    )
    response.headers["Location"] = f"/v1/renders/{job.id}"
    response.headers["Cache-Control"] = "no-store"
    return {**describe(job), "token": job.token}


@router.post(
    "/audio",
    status_code=202,
    summary="Render a recording",
    response_model=RenderCreated,
    responses=responses(400, 401, 404, 408, 413, 415, 422, 503),
    dependencies=[NeedsApiKey],
    openapi_extra=RECORDING_BODY,
)
async def create_from_audio(
    request: Request,
    state: StateDep,
    response: Response,
    avatar: Annotated[AvatarId | None, Query(description="Who says it.")] = None,
    seed: Seed = 0,
    format: FormatQuery = "mp4",
    background: BackgroundQuery = None,
) -> dict[str, object]:
    """Queue recorded speech for a film: the body is the recording, or a form with one file.

    The film has its sound, in mono, and lips that follow it. The token in the answer opens the result and is
    not shown again.
    """
    avatar = avatar or state.settings.avatar
    await state.require_avatar(avatar, background)
    state.renders.check_room()
    async with state.uploads.receive(request) as file:
        # One that is no recording is refused now rather than when its turn comes.
        await (await state.recordings.open(file)).close()
        asked = RenderRequest(
            "",
            avatar,
            seed=seed,
            format=format,
            background=background,
            created=state.clock.wall(),
        )
        job = await state.renders.submit(asked, file)
    response.headers["Location"] = f"/v1/renders/{job.id}"
    response.headers["Cache-Control"] = "no-store"
    return {**describe(job), "token": job.token}


@router.get(
    "",
    summary="List renders",
    response_model=RenderList,
    responses=responses(401),
    dependencies=[NeedsApiKey],
)
async def list_all(state: StateDep) -> dict[str, object]:
    """All renders, newest first, without tokens and addresses of results."""
    return {"renders": [describe(job, for_owner=False) for job in state.renders.all()]}


@router.get(
    "/{render_id}", summary="Look at a render", response_model=Render, responses=responses(401, 404, 422)
)
async def get(
    job: OwnedRender,
    state: StateDep,
    response: Response,
    wait: Annotated[
        float, Query(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for its end.")
    ] = 0.0,
) -> dict[str, object]:
    """How far it is. With ``wait`` the answer comes when it has ended, or after that many seconds."""
    await state.renders.wait(job, wait)
    response.headers["Cache-Control"] = "no-store"
    return describe(job)


@router.get(
    "/{render_id}/video.{suffix}",
    summary="Download the video",
    response_class=Response,
    responses={
        200: {"content": _MEDIA},
        206: {"description": "A range of it.", "content": _MEDIA},
        304: {"description": "The client has it already."},
        **responses(401, 404, 409, 416),
    },
)
async def video(job: OwnedMedia, request: Request, suffix: Suffix) -> Response:
    """The film, under the suffix of its format (`zip` for `png`); byte ranges work."""
    film = FORMATS[job.request.format]
    if film.suffix != f".{suffix}":
        raise HTTPProblem(404, "file_not_found", f"This render is {job.request.format}: get {_name(job)}.")
    name = f"{job.id}{film.suffix}"
    return await file_response(request, _finished(job).path, film.media_type, OWN, name)


@router.get(
    "/{render_id}/captions.vtt",
    summary="Download captions",
    response_class=Response,
    responses={200: {"content": {"text/vtt": {}}}, **responses(401, 404, 409)},
)
async def captions(job: OwnedMedia) -> Response:
    """The words as WebVTT, timed to the video; no cue for a recording, whose words are not known."""
    result = _finished(job).result
    words = result.words if result else []
    return Response(webvtt(words, job.request.text), media_type="text/vtt", headers=OWN)


@router.delete(
    "/{render_id}", status_code=204, summary="Cancel or delete a render", responses=responses(401, 404)
)
async def delete(job: OwnedRender, state: StateDep) -> None:
    """Cancels a render that waits or runs; deletes one that has ended, with its file."""
    if job.ended:
        await state.renders.forget(job)
    else:
        await state.renders.cancel(job)
