"""The line itself: script -> speech -> face -> slots, for one utterance."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from streaming.errors import ScriptRejected
from streaming.face.base import FaceEngine
from streaming.performer.assembler import SlotAssembler
from streaming.performer.base import PerformRequest
from streaming.slots import Notice, PerformanceItem
from streaming.speech.base import SpeechEngine, SpeechRequest


async def run_line(
    speech: SpeechEngine, face: FaceEngine, request: PerformRequest, text: AsyncIterator[str]
) -> AsyncGenerator[PerformanceItem, None]:
    """Perform one utterance: its notices and slots, in order, as early as the engines allow.

    Raises:
        LipstreamError: what the engines raise; :class:`ScriptRejected` when they found nothing to say.
    """
    notices: list[Notice] = []

    def on_engine(name: str) -> None:
        notices.append(Notice(request.key, "speech_engine", name))

    def on_fallback(engine: str, reason: str) -> None:
        notices.append(Notice(request.key, "engine_fallback", engine, f"{engine} failed ({reason})"))

    speech_request = SpeechRequest(
        text=text,
        voice=request.voice,
        language=request.language,
        speed=request.speed,
        seed=request.seed,
        on_engine=on_engine,
        on_fallback=on_fallback,
    )
    speech.check(speech_request)
    stream = face.open(request.avatar)
    assembler = SlotAssembler(request.key)
    heard = False
    async with aclosing(speech.synthesize(speech_request)) as chunks:
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
        raise ScriptRejected("The text holds nothing that can be spoken. Send at least one word.")
    assembler.add_patches(stream.flush())
    for slot in assembler.finish():
        yield slot
