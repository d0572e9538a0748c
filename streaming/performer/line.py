"""The line itself: script -> speech -> face -> slots, for one utterance."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from streaming.errors import ScriptRejected
from streaming.face.base import FaceEngine
from streaming.performer.assembler import SlotAssembler
from streaming.performer.base import PerformRequest
from streaming.script import Piece, samples_of
from streaming.slots import Notice, PerformanceItem
from streaming.speech.base import SpeechChunk, SpeechEngine, SpeechRequest
from streaming.speech.delivery import AS_IT_IS, delivered

RECORDED = "audio"
"""Stands for the speech engine's name where the script is sound."""


async def run_line(
    speech: SpeechEngine, face: FaceEngine, request: PerformRequest, script: AsyncIterator[Piece]
) -> AsyncGenerator[PerformanceItem, None]:
    """Perform one utterance: its notices and slots, in order, as early as the engines allow.

    Raises:
        LipstreamError: what the engines raise; :class:`ScriptRejected` when they found nothing to say.
    """
    notices: list[Notice] = []
    if request.kind == "audio":
        notices.append(Notice(request.key, "speech_engine", RECORDED))
        chunks = _recorded(script)
    else:
        chunks = _spoken(speech, request, script, notices)
    stream = face.open(request.avatar, request.look_ahead_ms)
    assembler = SlotAssembler(request.key)
    heard = False
    async with aclosing(chunks):
        async for chunk in chunks:
            heard = heard or chunk.pcm.size > 0
            assembler.add_speech(chunk)
            assembler.add_patches(stream.push(chunk))
            for notice in notices:
                yield notice
            notices.clear()
            for slot in assembler.ready():
                yield slot
    if not heard:
        raise ScriptRejected(_NOTHING[request.kind])
    assembler.add_patches(stream.flush())
    for slot in assembler.finish():
        yield slot


_NOTHING = {
    "text": "The text holds nothing that can be spoken. Send at least one word.",
    "audio": "The audio is empty. Send at least one sample.",
}


def _spoken(
    speech: SpeechEngine, request: PerformRequest, script: AsyncIterator[Piece], notices: list[Notice]
) -> AsyncGenerator[SpeechChunk, None]:
    """The speech of a script of text; refuses at once what the engine refuses."""

    def on_engine(name: str) -> None:
        notices.append(Notice(request.key, "speech_engine", name))

    def on_fallback(engine: str, reason: str) -> None:
        notices.append(Notice(request.key, "engine_fallback", engine, f"{engine} failed ({reason})"))

    speech_request = SpeechRequest(
        text=_texts(script),
        voice=request.voice,
        language=request.language,
        speed=request.speed,
        seed=request.seed,
        on_engine=on_engine,
        on_fallback=on_fallback,
    )
    speech.check(speech_request)
    chunks = speech.synthesize(speech_request)
    return chunks if request.delivery == AS_IT_IS else delivered(chunks, request.delivery)


async def _texts(script: AsyncIterator[Piece]) -> AsyncIterator[str]:
    async for piece in script:
        if isinstance(piece, bytes):
            raise ScriptRejected("This script is text, and sound came. Send sound as a script of audio.")
        yield piece


async def _recorded(script: AsyncIterator[Piece]) -> AsyncGenerator[SpeechChunk, None]:
    """The speech of a script of sound: what it says and when is for the face to hear."""
    async for piece in script:
        if isinstance(piece, str):
            raise ScriptRejected("This script is sound, and text came. Send text as a script of text.")
        yield SpeechChunk(samples_of(piece), final_of_clause=False)
