"""Ended jobs are kept for a while, and only so many of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from server.jobs.job import JobKind
from server.jobs.records import JobRecord
from streaming.clock import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept of one kind.

    Attributes:
        jobs: so many ended ones at most.
        seconds: each of them so long.
    """

    jobs: int
    seconds: float


class Expiry:
    """Forgets ended jobs when their time has come, or when there are too many younger ones.

    Args:
        clock: source of time.
        keeping: what is kept of each kind.
        forget: forgets a job.
    """

    def __init__(
        self, clock: Clock, keeping: dict[JobKind, Keeping], forget: Callable[[str], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self._keeping = keeping
        self._forget = forget
        self._ended: dict[JobKind, dict[str, asyncio.Task[None]]] = {kind: {} for kind in keeping}

    def note(self, job: JobRecord) -> None:
        """A job has ended."""
        keeping, ended = self._keeping[job.kind], self._ended[job.kind]
        age = self._clock.wall() - (job.finished or 0.0)
        ended[job.id] = asyncio.create_task(
            self._later(job.id, max(0.0, keeping.seconds - age)), name=f"expiry-{job.id}"
        )
        for surplus in list(ended)[: max(0, len(ended) - keeping.jobs)]:
            ended.pop(surplus).cancel()
            ended_now = asyncio.create_task(self._later(surplus, 0.0), name=f"expiry-{surplus}")
            ended[surplus] = ended_now

    def drop(self, job_id: str) -> None:
        """A job is being forgotten."""
        for ended in self._ended.values():
            task = ended.pop(job_id, None)
            if task is not None and task is not asyncio.current_task():
                task.cancel()

    async def _later(self, job_id: str, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.now() + seconds)
        try:
            await self._forget(job_id)
        except Exception:
            log.exception("a job cannot be forgotten", job=job_id)
