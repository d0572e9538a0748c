"""The performer's end of the pipe: runs utterances side by side and keeps each within its window."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

import structlog

from streaming.clock import Clock, SystemClock
from streaming.errors import EngineFailed, LipstreamError
from streaming.face.base import FaceEngine
from streaming.performer.base import PerformerDescription, PerformRequest, VoiceDescription
from streaming.performer.line import run_line
from streaming.performer.messages import (
    Audio,
    Cancel,
    Credit,
    Describe,
    Description,
    Drop,
    Failed,
    Finished,
    Perform,
    Text,
    ToPerformer,
)
from streaming.performer.wire import Channel
from streaming.script import Piece
from streaming.slots import Slot, UtteranceKey
from streaming.speech.base import SpeechEngine

log = structlog.get_logger(__name__)


class _Performance:
    """One utterance in work: its script as it arrives, and how far ahead it may run."""

    def __init__(self, request: PerformRequest) -> None:
        self.request = request
        self.pieces: asyncio.Queue[Text | Audio] = asyncio.Queue()
        self.credit = asyncio.Semaphore(request.window)

    async def script(self) -> AsyncIterator[Piece]:
        while True:
            message = await self.pieces.get()
            piece = message.text if isinstance(message, Text) else message.pcm
            if piece:
                yield piece
            if message.final:
                return


class PerformerServer:
    """Serves one media process until that closes the pipe.

    Args:
        speech: the speech engine (usually a fallback chain).
        face: the face engine.
        channel: the pipe.
        capacity: how many sessions this performer is meant to carry.
        memory_bytes: resident memory once warm.
        device: where the models run, such as ``cpu``.
        clock: of this process.
    """

    def __init__(
        self,
        speech: SpeechEngine,
        face: FaceEngine,
        channel: Channel[ToPerformer],
        *,
        capacity: int,
        memory_bytes: int,
        device: str,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._speech = speech
        self._face = face
        self._channel = channel
        self._capacity = capacity
        self._memory_bytes = memory_bytes
        self._device = device
        self._running: dict[UtteranceKey, tuple[_Performance, asyncio.Task[None]]] = {}

    async def serve(self) -> None:
        """Announce readiness, then work off messages; returns when the media process is gone."""
        self._channel.send(Description(self._describe()))
        try:
            async for message in self._channel.messages():
                self._handle(message)
        finally:
            tasks = [task for _, task in self._running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _describe(self) -> PerformerDescription:
        voices = self._speech.voices()
        return PerformerDescription(
            # Those that have no voice yet, too: one may be made for them.
            speech=tuple(self._speech.name.split(",")),
            face=self._face.name,
            voices=tuple(VoiceDescription(v.name, v.engine, v.languages, v.description) for v in voices),
            capacity=self._capacity,
            memory_bytes=self._memory_bytes,
            device=self._device,
        )

    def _handle(self, message: ToPerformer) -> None:
        match message:
            case Perform(request):
                performance = _Performance(request)
                task = asyncio.create_task(self._perform(performance))
                self._running[request.key] = (performance, task)
                # Not in the task itself: one that is cancelled before its first step never gets anywhere.
                task.add_done_callback(partial(self._performed, request.key))
            case Text(key) | Audio(key) if key in self._running:
                self._running[key][0].pieces.put_nowait(message)
            case Credit(key, slots) if key in self._running:
                for _ in range(slots):
                    self._running[key][0].credit.release()
            case Drop(key) if key in self._running:
                self._running[key][1].cancel()
            case Cancel(session, generation):
                for key, (_, task) in self._running.items():
                    if key.session == session and key.generation < generation:
                        task.cancel()
            case Describe():
                self._channel.send(Description(self._describe()))
            case _:
                # Script, credit or a drop for an utterance that has ended meanwhile.
                pass

    def _performed(self, key: UtteranceKey, task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)
        if task.cancelled():
            self._channel.send(Finished(key))

    async def _perform(self, performance: _Performance) -> None:
        key = performance.request.key
        try:
            line = run_line(self._speech, self._face, performance.request, performance.script(), self._clock)
            async with aclosing(line) as items:
                async for item in items:
                    if isinstance(item, Slot):
                        await performance.credit.acquire()
                    self._channel.send(item)
                    await self._channel.drain()
            self._channel.send(Finished(key))
        except LipstreamError as error:
            self._channel.send(Failed(key, error.code, error.message))
        except Exception as error:
            log.exception("utterance failed", session=key.session, sequence=key.sequence)
            self._channel.send(
                Failed(
                    key,
                    EngineFailed.code,
                    f"The engine broke ({type(error).__name__}). Try again; the log has more.",
                )
            )
