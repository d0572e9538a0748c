"""The line itself: script -> speech -> face -> slots, for one utterance."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, closing

from streaming.clock import Clock, SystemClock
from streaming.errors import ScriptRejected
from streaming.face.base import FaceEngine, FaceNews, FaceRequest
from streaming.performer.arrivals import Arrivals
from streaming.performer.assembler import SlotAssembler
from streaming.performer.base import PerformRequest
from streaming.performer.patience import Patience
from streaming.playhead import Playhead
from streaming.script import Piece, samples_of
from streaming.slots import Notice, PerformanceItem
from streaming.speech.base import SpeechChunk, SpeechEngine, SpeechRequest
from streaming.speech.delivery import AS_IT_IS, delivered
from streaming.timing import FPS

RECORDED = "audio"
"""Stands for the speech engine's name where the script is sound."""
MAX_PROMISED = 3 * FPS
"""No more speech is taken while so many frames wait to be drawn."""


async def run_line(
    speech: SpeechEngine,
    face: FaceEngine,
    request: PerformRequest,
    script: AsyncIterator[Piece],
    clock: Clock | None = None,
) -> AsyncGenerator[PerformanceItem, None]:
    """Perform one utterance: its notices and slots, in order, as early as the engines allow.

    The picture never holds up the sound: a slot whose frame is not drawn when it has to go shows the frame
    before it.

    Raises:
        LipstreamError: what the engines raise; :class:`ScriptRejected` when they found nothing to say.
    """
    clock = clock or SystemClock()
    playhead = Playhead(clock, request.pace)
    notices: list[Notice] = []

    def on_news(code: FaceNews, engine: str, message: str) -> None:
        notices.append(Notice(request.key, code, engine, message))

    if request.kind == "audio":
        notices.append(Notice(request.key, "speech_engine", RECORDED))
        chunks = _recorded(script)
    else:
        chunks = _spoken(speech, request, script, playhead, notices)
    wanted = FaceRequest(
        request.avatar, request.look_ahead_ms, playhead, request.position, request.queued, on_news
    )
    assembler = SlotAssembler(request.key)
    patience = Patience(playhead, clock)
    heard = False
    async with aclosing(Arrivals(chunks, clock)) as arrivals:
        with closing(face.open(wanted)) as stream:
            while True:
                for notice in notices:
                    yield notice
                notices.clear()
                # Again and again: frames go on being drawn while the consumer takes its time.
                while slots := assembler.ready():
                    for slot in slots:
                        playhead.sent(slot.index)
                        yield slot
                if assembler.finished and not notices:
                    return
                if notices:
                    # They came while the consumer was busy.
                    continue
                awaited, late = assembler.awaited, patience.until(assembler.index)
                if awaited is None:
                    chunk = await arrivals.take()
                else:
                    room = assembler.promised < MAX_PROMISED
                    chunk = await arrivals.take_or(awaited, late, speech=room)
                if chunk is not None:
                    heard = heard or chunk.pcm.size > 0
                    patience.sound(assembler.index)
                    assembler.add_speech(chunk)
                    assembler.add_patches(stream.push(chunk))
                elif arrivals.ended and not assembler.ended:
                    if not heard:
                        raise ScriptRejected(_NOTHING[request.kind])
                    assembler.add_patches(stream.flush())
                    assembler.end()
                elif awaited is not None and not awaited.done() and late is not None and clock.now() >= late:
                    slot = assembler.give_up()
                    playhead.sent(slot.index)
                    yield slot


_NOTHING = {
    "text": "The text holds nothing that can be spoken. Send at least one word.",
    "audio": "The audio is empty. Send at least one sample.",
}


def _spoken(
    speech: SpeechEngine,
    request: PerformRequest,
    script: AsyncIterator[Piece],
    playhead: Playhead,
    notices: list[Notice],
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
        playhead=playhead,
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
