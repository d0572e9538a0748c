"""Jobs that make avatars: follow, see what they make, cancel."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path as FilePath
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.requests import HTTPConnection

from server.files import has_it
from server.job_models import Job, JobList
from server.jobs import AvatarJob, Step
from server.problems import HTTPProblem, responses
from server.security import SCHEMES, require_owner
from server.state import NeedsApiKey, State, StateDep

MAX_WAIT_SECONDS = 60.0
PRIVATE = {"Cache-Control": "no-store"}
PREVIEW_TYPE = "image/webp"

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=SCHEMES)

JobId = Annotated[str, Path(max_length=80, examples=["j_0123456789abcdef"])]
TokenQuery = Annotated[str | None, Query(description="The job's token, for elements that send no headers.")]


def _find(job_id: str, state: State) -> AvatarJob:
    job = state.jobs.get(job_id)
    if not isinstance(job, AvatarJob):
        raise HTTPProblem(404, "job_not_found", "There is no job with this id; renders are at /v1/renders.")
    return job


async def _owned(job_id: JobId, connection: HTTPConnection, state: StateDep) -> AvatarJob:
    job = _find(job_id, state)
    require_owner(connection, state.settings, job)
    return job


async def _owned_media(
    job_id: JobId, connection: HTTPConnection, state: StateDep, token: TokenQuery = None
) -> AvatarJob:
    """As above; the token may also come in the query, since pictures in a page send no headers."""
    job = _find(job_id, state)
    require_owner(connection, state.settings, job, query=True)
    return job


OwnedJob = Annotated[AvatarJob, Depends(_owned)]
OwnedMedia = Annotated[AvatarJob, Depends(_owned_media)]


def describe(job: AvatarJob, *, for_owner: bool = True) -> dict[str, object]:
    """A job as its routes show it; addresses of pictures, which hold the token, for its owner only."""
    return {
        "id": job.id,
        "kind": "avatar",
        "status": job.status,
        "progress": round(job.progress, 3),
        "revision": job.revision,
        "steps": [_describe_step(job, step, for_owner) for step in job.steps],
        "avatar": job.order.avatar,
        "avatar_url": f"/v1/avatars/{job.order.avatar}" if job.status == "done" else None,
        "report": job.report,
        "notes": list(job.notes),
        "created": job.created,
        "finished": job.finished,
        "code": job.code,
        "message": job.message,
    }


def _describe_step(job: AvatarJob, step: Step, for_owner: bool) -> dict[str, object]:
    shown = step.preview and for_owner
    # Pages keep a picture of the same address; one that still changes has another with every change.
    version = f"&v={job.revision}" if step.status == "running" else ""
    return {
        "name": step.name,
        "title": step.title,
        "status": step.status,
        "progress": round(step.progress, 3),
        "seconds": None if step.seconds is None else round(step.seconds, 2),
        "preview_url": f"/v1/jobs/{job.id}/previews/{step.name}.webp?token={quote(job.token)}{version}"
        if shown
        else None,
        "notes": list(step.notes),
    }


@router.get(
    "",
    summary="List jobs",
    response_model=JobList,
    responses=responses(401),
    dependencies=[NeedsApiKey],
)
async def list_all(state: StateDep) -> dict[str, object]:
    """All jobs that make avatars, newest first, without tokens and pictures."""
    jobs = state.jobs.all("avatar")
    return {"jobs": [describe(job, for_owner=False) for job in jobs if isinstance(job, AvatarJob)]}


@router.get(
    "/{job_id}",
    summary="Look at a job",
    response_model=Job,
    responses=responses(401, 404, 422),
)
async def get(
    job: OwnedJob,
    state: StateDep,
    response: Response,
    wait: Annotated[
        float, Query(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for news of it.")
    ] = 0.0,
    seen: Annotated[
        int | None,
        Query(ge=0, description="The `revision` that is known already; the one of this moment if absent."),
    ] = None,
) -> dict[str, object]:
    """How far it is. With ``wait`` the answer comes when there is news, or after that many seconds.

    News is another `revision` than `seen`. A job that has ended answers at once.
    """
    if wait > 0:
        await state.jobs.wait(job, job.revision if seen is None else seen, wait)
    response.headers.update(PRIVATE)
    return describe(_find(job.id, state))


@router.get(
    "/{job_id}/previews/{step}.webp",
    summary="See what a step made",
    response_class=Response,
    responses={
        200: {"content": {PREVIEW_TYPE: {}}},
        304: {"description": "The client has it already."},
        **responses(401, 404, 422),
    },
)
async def preview(
    job: OwnedMedia,
    step: Annotated[str, Path(max_length=64, examples=["face"])],
    request: Request,
    state: StateDep,
) -> Response:
    """A picture of at most 960 pixels. It may change while the step runs; the ETag is of its bytes."""
    data = await asyncio.to_thread(_read, state.jobs.preview(job, step))
    headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}
    if has_it(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=PREVIEW_TYPE, headers=headers)


@router.delete(
    "/{job_id}", status_code=204, summary="Cancel or forget a job", responses=responses(401, 404, 422)
)
async def delete(job: OwnedJob, state: StateDep) -> None:
    """Cancels a job that waits or runs; forgets one that has ended. An avatar that it made stays."""
    if job.ended:
        await state.jobs.forget(job)
    else:
        await state.jobs.cancel(job)


def _read(path: FilePath) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise HTTPProblem(404, "file_not_found", "This picture was deleted meanwhile.") from None
