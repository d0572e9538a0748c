"""Gives memory back while nobody speaks: models leave the card, and come back with the next request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import structlog

from streaming.clock import Clock

log = structlog.get_logger(__name__)


class IdleUnloading:
    """Counts utterances, and has the models unloaded some time after the last one. For one event loop.

    Args:
        seconds: without any utterance; ``None``: never.
        unload: frees the memory. What needs the models next loads them by itself.
        clock: of the process.
    """

    def __init__(self, seconds: float | None, unload: Callable[[], Awaitable[object]], clock: Clock) -> None:
        self._seconds, self._unload, self._clock = seconds, unload, clock
        self._utterances = 0
        self._waiting: asyncio.Task[None] | None = None
        self._unloading: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to count when the models have been loaded and nobody has spoken yet."""
        if self._utterances == 0:
            self._wait()

    @contextmanager
    def utterance(self) -> Generator[None]:
        """An utterance, from its request to its end."""
        self._utterances += 1
        self._stop_waiting()
        try:
            yield
        finally:
            self._utterances -= 1
            if self._utterances == 0:
                self._wait()

    def close(self) -> None:
        """Unload nothing from now on."""
        self._seconds = None
        self._stop_waiting()

    def _wait(self) -> None:
        self._stop_waiting()
        if self._seconds is not None:
            when = self._clock.now() + self._seconds
            self._waiting = asyncio.get_running_loop().create_task(self._unload_at(when))

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    async def _unload_at(self, when: float) -> None:
        await self._clock.sleep_until(when)
        # A request that comes from here on waits until the models are gone, and has them loaded again.
        self._unloading, self._waiting = self._waiting, None
        try:
            await self._unload()
        except Exception:
            log.exception("models not unloaded")
