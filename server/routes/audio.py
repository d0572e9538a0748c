"""Sound over HTTP: a recorded file to say, or live PCM that is said as it comes."""

from __future__ import annotations

import re
from contextlib import aclosing, suppress
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect

from server.middleware import BodyRule
from server.models import AudioAccepted
from server.pcm import PCM_BODY, Encoding, SampleRate, check_type, samples
from server.problems import responses
from server.security import SCHEMES
from server.settings import Settings
from server.state import OwnedSession, StateDep
from server.uploads import RECORDING_BODY
from streaming.audio.pcm import PcmReader
from streaming.errors import LipstreamError, UnknownUtterance
from streaming.protocol import MAX_END_SILENCE_SECONDS, MIN_END_SILENCE_SECONDS, UtteranceId
from streaming.session import Session
from streaming.timing import SPEECH_RATE

UPLOAD_SECONDS = 600.0
"""25 MB at 350 kbit/s."""
PAUSE_SECONDS = 30.0
"""A sender that sends nothing for so long is gone."""
FORM_BYTES = 16 << 10
"""What a form may put around its file."""
STREAM_SECONDS = 3600.0
"""A film of a stream is done after so long, however little of it came: twice the time that it may last."""

_NOTHING = np.zeros(0, np.float32)

Name = Annotated[UtteranceId | None, Query(description="An id for it; chosen by the server when absent.")]
Interrupting = Annotated[bool, Query(description="Drop what is being said first.")]

router = APIRouter(prefix="/v1/sessions/{session_id}/say", tags=["sessions"], dependencies=SCHEMES)


def body_rules(settings: Settings) -> dict[re.Pattern[str], BodyRule]:
    """What the bodies of the addresses that take sound may be."""
    recording = BodyRule(settings.max_audio_bytes + FORM_BYTES, UPLOAD_SECONDS, PAUSE_SECONDS)
    return {
        re.compile(r"/v1/(?:sessions/[^/]+/say|renders)/audio"): recording,
        # As long as the utterance may be: the session bounds that.
        re.compile(r"/v1/sessions/[^/]+/say/pcm"): BodyRule(None, None, PAUSE_SECONDS),
        # As long as the film may be: the feed bounds that.
        re.compile(r"/v1/renders/pcm"): BodyRule(None, STREAM_SECONDS, PAUSE_SECONDS),
    }


@router.post(
    "/audio",
    status_code=202,
    summary="Say a recording",
    response_model=AudioAccepted,
    responses=responses(400, 401, 404, 408, 410, 413, 415, 422, 503),
    openapi_extra=RECORDING_BODY,
)
async def say_audio(
    request: Request,
    session: OwnedSession,
    state: StateDep,
    utterance: Name = None,
    interrupt: Interrupting = False,
) -> dict[str, object]:
    """Queue recorded speech: the body is the file, or a form with one file (`curl -F file=@speech.mp3`)."""
    async with state.uploads.receive(request) as file:
        name, seconds = await state.recordings.say(session, file, utterance=utterance, interrupt=interrupt)
    return {"utterance": name, "generation": session.generation, "seconds": seconds}


@router.post(
    "/pcm",
    status_code=202,
    summary="Say a stream of PCM",
    response_model=AudioAccepted,
    responses=responses(400, 401, 404, 408, 410, 415, 422, 503),
    openapi_extra=PCM_BODY,
)
async def say_pcm(
    request: Request,
    session: OwnedSession,
    encoding: Encoding = "pcm_s16le",
    sample_rate: SampleRate = SPEECH_RATE,
    live: Annotated[bool, Query(description="The sound comes as it is spoken.")] = False,
    end_after_silence: Annotated[
        float | None,
        Query(
            ge=MIN_END_SILENCE_SECONDS,
            le=MAX_END_SILENCE_SECONDS,
            description="Seconds of quiet that end the utterance; live, what follows is a new one.",
        ),
    ] = None,
    utterance: Name = None,
    interrupt: Interrupting = False,
) -> dict[str, object]:
    """Say sound while its body is still being sent; the answer comes when that ends.

    A body that is not live is read as fast as the session takes it, up to a minute ahead.
    """
    check_type(request)
    reader = PcmReader(encoding, sample_rate)
    name = await session.say_audio(
        utterance=utterance,
        interrupt=interrupt,
        live=live,
        end_after_silence=end_after_silence,
        sender=reader,
    )
    count = await _hear(request, session, name, reader)
    return {
        "utterance": name,
        "generation": session.generation,
        "seconds": round(count / SPEECH_RATE, 3),
    }


async def _hear(request: Request, session: Session, name: str, reader: PcmReader) -> int:
    """Pass on the body as it comes, and end the utterance with it; returns the samples that it became."""
    count = 0
    try:
        # Whoever is gone has sent all they had to say.
        with suppress(ClientDisconnect):
            async with aclosing(samples(request, reader)) as pieces:
                async for piece in pieces:
                    await session.append_audio(name, piece, sender=reader)
                    count += piece.size
        last = reader.finish()
        # A live sound that paused for long has ended before its body.
        with suppress(UnknownUtterance):
            await session.append_audio(name, last, final=True, sender=reader)
        return count + last.size
    except BaseException:
        with suppress(LipstreamError):
            await session.append_audio(name, _NOTHING, final=True, sender=reader)
        raise
