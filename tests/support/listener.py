"""A performer and a viewer that remember what they were given, for tests of the whole server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from streaming.performer.base import PerformRequest
from streaming.protocol import Event
from streaming.script import Piece, samples_of
from streaming.slots import PerformanceItem
from tests.support.engines import DirectPerformer
from tests.support.sinks import RecordingSink

Kind = TypeVar("Kind")


class HearingPerformer(DirectPerformer):
    """Performs in this process, and remembers the sound that it was given."""

    restarts = 0

    def __init__(self, *_config: object, **_options: object) -> None:
        super().__init__()
        self.requests: list[PerformRequest] = []
        self.pieces: dict[int, list[NDArray[np.float32]]] = {}
        self.hears = asyncio.Event()

    async def start(self) -> None:
        pass

    async def perform(
        self, request: PerformRequest, script: AsyncIterator[Piece]
    ) -> AsyncGenerator[PerformanceItem, None]:
        self.requests.append(request)
        heard = self.pieces.setdefault(request.key.sequence, [])

        async def listened() -> AsyncIterator[Piece]:
            async for piece in script:
                if isinstance(piece, bytes):
                    heard.append(samples_of(piece))
                    self.hears.set()
                yield piece

        async for item in super().perform(request, listened()):
            yield item


class AwaitedSink(RecordingSink):
    """One whose events can be waited for."""

    def __init__(self) -> None:
        super().__init__(codec=None)
        self._told = asyncio.Event()

    def notify(self, event: Event) -> None:
        super().notify(event)
        self._told.set()

    async def until(self, kind: type[Kind], count: int = 1) -> list[Kind]:
        async with asyncio.timeout(20):
            while len(found := [event for event in self.events if isinstance(event, kind)]) < count:
                self._told.clear()
                await self._told.wait()
        return found
