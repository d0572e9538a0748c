"""One at a time, the most urgent first: several sessions share one model."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Turns:
    """Lets one caller at a time do something. Those who wait go in order of urgency, then of arrival."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    @asynccontextmanager
    async def turn(self, slack: float) -> AsyncGenerator[None, None]:
        """Wait for a turn and hold it.

        Args:
            slack: how long the caller could wait, in seconds; the smallest goes first.
        """
        if self._taken:
            mine = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (slack, next(self._arrivals), mine))
            try:
                await mine
            except asyncio.CancelledError:
                # The turn may have been given just before.
                if mine.done() and not mine.cancelled():
                    self._pass_on()
                raise
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, waiting = heapq.heappop(self._waiting)
            if not waiting.done():
                # Still taken, by who is woken.
                waiting.set_result(None)
                return
        self._taken = False
