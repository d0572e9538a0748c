"""The performer's end of the pipe: runs utterances side by side and keeps each within its window."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Protocol

import structlog

from streaming.errors import EngineFailed, LipstreamError
from streaming.face.base import FaceEngine
from streaming.gpu.budget import peak_process_bytes
from streaming.gpu.idle import IdleUnloading
from streaming.performer.base import CardDescription, PerformerDescription, PerformRequest, VoiceDescription
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
from streaming.resources import Resources
from streaming.script import Piece
from streaming.slots import Slot, UtteranceKey
from streaming.speech.base import SpeechEngine

log = structlog.get_logger(__name__)


SESSIONS_PER_CORE = 8
"""Where engines do not say how many they carry."""


class PerformerEngines(Protocol):
    """What performs; see :class:`streaming.performer.engines.Engines`."""

    @property
    def speech(self) -> SpeechEngine:
        """Usually a fallback chain."""
        ...

    @property
    def face(self) -> FaceEngine:
        """Usually a fallback chain."""
        ...

    @property
    def device(self) -> str:
        """Where models run, such as ``cpu``."""
        ...

    @property
    def sessions(self) -> int | None:
        """Live sessions that they carry, where they know."""
        ...

    def describe_card(self) -> CardDescription | None:
        """What is known of the graphics card, where networks run on one."""
        ...

    async def unload(self) -> None:
        """Free what they can load again."""
        ...


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
        engines: what performs; warm.
        channel: the pipe.
        resources: of the engines.
    """

    def __init__(
        self,
        engines: PerformerEngines,
        channel: Channel[ToPerformer],
        resources: Resources | None = None,
    ) -> None:
        resources = resources or Resources()
        self._clock = resources.clock
        self._engines = engines
        self._channel = channel
        # Once warm. Voices and avatars come on top, the networks' share does not change.
        self._memory_bytes = peak_process_bytes()
        self._idle = IdleUnloading(
            resources.options.gpu.idle_seconds or None, engines.unload, resources.clock
        )
        self._running: dict[UtteranceKey, tuple[_Performance, asyncio.Task[None]]] = {}

    async def serve(self) -> None:
        """Announce readiness, then work off messages; returns when the media process is gone."""
        self._channel.send(Description(self._describe()))
        self._idle.start()
        try:
            async for message in self._channel.messages():
                self._handle(message)
        finally:
            self._idle.close()
            tasks = [task for _, task in self._running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _describe(self) -> PerformerDescription:
        engines = self._engines
        voices, sessions = engines.speech.voices(), engines.sessions
        return PerformerDescription(
            # Those that have no voice yet, too: one may be made for them.
            speech=tuple(engines.speech.name.split(",")),
            face=engines.face.name,
            voices=tuple(VoiceDescription(v.name, v.engine, v.languages, v.description) for v in voices),
            capacity=SESSIONS_PER_CORE * (os.cpu_count() or 1) if sessions is None else sessions,
            memory_bytes=self._memory_bytes,
            device=engines.device,
            face_seconds=engines.face.live_seconds,
            card=engines.describe_card(),
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

    async def _run(self, performance: _Performance) -> None:
        engines = self._engines
        line = run_line(engines.speech, engines.face, performance.request, performance.script(), self._clock)
        async with aclosing(line) as items:
            async for item in items:
                if isinstance(item, Slot):
                    await performance.credit.acquire()
                self._channel.send(item)
                await self._channel.drain()

    def _performed(self, key: UtteranceKey, task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)
        if task.cancelled():
            self._channel.send(Finished(key))

    async def _perform(self, performance: _Performance) -> None:
        key = performance.request.key
        try:
            with self._idle.utterance():
                await self._run(performance)
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
