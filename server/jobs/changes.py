"""Lets those who ask about a job wait for its next change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.jobs.job import Job
from streaming.clock import Clock


class Changes:
    """Who waits for which job.

    Args:
        clock: source of time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    def changed(self, job: Job) -> None:
        """A job is not what it was."""
        job.revision += 1
        for waiting in self._waiting.pop(job.id, ()):
            if not waiting.done():
                waiting.set_result(None)

    async def wait(self, job: Job, enough: Callable[[], bool], seconds: float) -> None:
        """Return when it is enough, or after ``seconds``.

        Args:
            job: whose changes it depends on.
            enough: asked now, and after every change.
            seconds: to wait at most.
        """
        if enough() or seconds <= 0:
            return
        timer = asyncio.ensure_future(self._clock.sleep_until(self._clock.now() + seconds))
        try:
            while not enough() and not timer.done():
                await self._next(job, timer)
        finally:
            timer.cancel()

    async def wait_for_end(self, job: Job) -> None:
        """Return when a job has ended."""
        while not job.ended:
            await self._next(job)

    async def _next(self, job: Job, *others: asyncio.Future[None]) -> None:
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(job.id, set())
        waiting.add(change)
        try:
            await asyncio.wait((change, *others), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.discard(change)
            if not waiting and self._waiting.get(job.id) is waiting:
                del self._waiting[job.id]
