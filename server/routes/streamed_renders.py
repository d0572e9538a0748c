"""Renders of PCM that is still coming: the film is made while the body is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from server.jobs.streams import StreamJob
from server.middleware import CLOSE
from server.models import RenderCreated
from server.pcm import PCM_BODY, Encoding, SampleRate, check_type, samples
from server.problems import STATUS_OF_CODE, HTTPProblem, responses
from server.routes.renders import BackgroundQuery, FormatQuery, Seed, describe
from server.security import SCHEMES
from server.state import NeedsApiKey, State, StateDep
from streaming.audio.feed import MAX_FEED_SECONDS, SoundFeed
from streaming.audio.pcm import PcmReader, bytes_per_second
from streaming.errors import ScriptRejected
from streaming.protocol import AvatarId
from streaming.render import RenderRequest
from streaming.timing import SPEECH_RATE

RenderId = Annotated[
    str | None,
    Query(
        pattern=r"^r_[a-z0-9]{8,40}$",
        description="An id for it; chosen by the server when absent. Who names id and token can look at "
        "the render and cancel it while the body is sent, and find it again when the connection breaks.",
        examples=["r_7f3a9c0412de56b8"],
    ),
]
RenderToken = Annotated[
    str | None,
    Header(
        min_length=24,
        max_length=128,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="The secret that all about this render will need; chosen by the server when absent.",
    ),
]

_Ending = Literal["complete", "sound_stopped", "sound_broke_off", "sound_too_long"]

_TOO_LONG = f"A film of a stream holds at most {MAX_FEED_SECONDS / 60:.0f} minutes"
_WHY: dict[_Ending, str] = {
    "sound_stopped": "The sound stopped coming, so the film ends there. Send silence while nobody speaks.",
    "sound_broke_off": "The connection broke, so the film ends there.",
    "sound_too_long": f"{_TOO_LONG}, so this one ends there. Send the rest as another one.",
}

router = APIRouter(prefix="/v1/renders", tags=["renders"], dependencies=SCHEMES)


@router.post(
    "/pcm",
    status_code=202,
    summary="Render a stream of PCM",
    response_model=RenderCreated,
    responses=responses(400, 401, 404, 408, 409, 413, 415, 422, 503),
    dependencies=[NeedsApiKey],
    openapi_extra=PCM_BODY,
)
async def create_from_pcm(
    request: Request,
    state: StateDep,
    response: Response,
    encoding: Encoding = "pcm_s16le",
    sample_rate: SampleRate = SPEECH_RATE,
    avatar: Annotated[AvatarId | None, Query(description="Who says it.", examples=["theo"])] = None,
    seed: Seed = 0,
    format: FormatQuery = "mp4",
    background: BackgroundQuery = None,
    render: RenderId = None,
    render_token: RenderToken = None,
) -> dict[str, object]:
    """Render sound while its body is still being sent; the answer comes when that ends, the film soon after.

    The film is that of the same sound as a file. It stands in no queue; a few are made at a time, and `503`
    says that there are as many already. What came is kept when the sender breaks off, sends nothing for 30
    seconds, or more than 30 minutes of sound: `code` and `message` of the render then say so. Nothing is kept
    of a body without sound, or of one that is no PCM.
    """
    check_type(request)
    reader = PcmReader(encoding, sample_rate)
    announced = int(request.headers.get("content-length", "0"))
    if announced > MAX_FEED_SECONDS * bytes_per_second(encoding, sample_rate):
        raise HTTPProblem(413, "body_too_large", f"{_TOO_LONG}. Send it in parts.", CLOSE)
    avatar = avatar or state.settings.avatar
    await state.require_avatar(avatar, background)
    feed = SoundFeed()
    asked = RenderRequest(
        "",
        avatar,
        seed=seed,
        feed=feed,
        format=format,
        background=background,
        created=state.clock.wall(),
    )
    job = state.renders.submit_stream(asked, render, render_token)
    try:
        ending = await _while_it_runs(state, job, _pass_on(request, reader, feed))
    except ScriptRejected:
        await _drop(state, job)
        raise
    finally:
        # Whatever happens to this request, the render must come to an end.
        feed.finish()
    if ending is None:
        raise _ended_before_its_sound(job)
    if feed.samples == 0:
        await _drop(state, job)
        raise ScriptRejected("The audio is empty. Send at least one sample.")
    if ending != "complete":
        job.code, job.message = ending, _WHY[ending]
        response.headers.update(CLOSE)
    response.headers["Location"] = f"/v1/renders/{job.id}"
    response.headers["Cache-Control"] = "no-store"
    return {**describe(job), "token": job.token}


async def _pass_on(request: Request, reader: PcmReader, feed: SoundFeed) -> _Ending | None:
    """Feed the renderer with the body; returns how that ended, ``None`` when the render ended before."""
    ending: _Ending = "complete"
    try:
        async with aclosing(samples(request, reader)) as pieces:
            async for piece in pieces:
                if not await feed.push(piece):
                    return "sound_too_long" if feed.overflowed else None
    except ClientDisconnect:
        ending = "sound_broke_off"
    except HTTPException as error:
        if error.status_code != 408:
            raise
        ending = "sound_stopped"
    await feed.push(reader.finish())
    feed.finish()
    return "sound_too_long" if feed.overflowed else ending


async def _while_it_runs(
    state: State, job: StreamJob, passing_on: Coroutine[None, None, _Ending | None]
) -> _Ending | None:
    """Pass sound on until it ends or the render does: nobody is to send on for half an hour in vain."""
    passing = asyncio.create_task(passing_on)
    ended = asyncio.create_task(state.renders.until_ended(job))
    try:
        await asyncio.wait((passing, ended), return_when=asyncio.FIRST_COMPLETED)
        return passing.result() if passing.done() else None
    finally:
        for task in (passing, ended):
            task.cancel()
        await asyncio.gather(passing, ended, return_exceptions=True)


async def _drop(state: State, job: StreamJob) -> None:
    await state.renders.cancel(job)
    await state.renders.forget(job)


def _ended_before_its_sound(job: StreamJob) -> HTTPProblem:
    if job.status == "failed":
        code = job.code or "internal_error"
        return HTTPProblem(STATUS_OF_CODE.get(code, 500), code, job.message or "The render failed.", CLOSE)
    return HTTPProblem(409, "render_cancelled", "This render was cancelled while its sound came.", CLOSE)
