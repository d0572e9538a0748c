"""Renders that the jobs process asks this one for: here is the performer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog

from avatars.errors import AvatarError
from server.jobs.job import RenderJob
from server.jobs.messages import NotRendered, Rendered
from server.jobs.records import Film
from streaming.clock import Clock
from streaming.errors import LipstreamError
from streaming.render import RenderRequest, RenderResult

Renderer = Callable[[RenderRequest, Path, Callable[[float], None]], Awaitable[RenderResult]]
"""Renders a request to a path and reports progress in 0..1; leaves no file behind unless it succeeds."""

BROKEN = "The render failed; the server's log says why."

log = structlog.get_logger(__name__)


def failure_of(error: BaseException, job_id: str) -> tuple[str, str]:
    """Code and message of a render that failed; what nobody foresaw goes to the log."""
    if isinstance(error, LipstreamError | AvatarError):
        return error.code, error.message
    log.error("render failed", render=job_id, exc_info=error)
    return "internal_error", BROKEN


class RenderWork:
    """What is being rendered for the jobs process.

    Args:
        renderer: does the work.
        clock: source of time.
        answer: takes the answer to the jobs process, if there is one at that moment.
        progressed: called when a job is further than before.
    """

    def __init__(
        self,
        renderer: Renderer,
        clock: Clock,
        answer: Callable[[Rendered | NotRendered], object],
        progressed: Callable[[RenderJob], None],
    ) -> None:
        self._renderer = renderer
        self._clock = clock
        self._answer = answer
        self._progressed = progressed
        self._tasks: dict[str, asyncio.Task[RenderResult]] = {}
        self._seconds: dict[str, float] = {}

    def begin(self, job: RenderJob) -> None:
        """Render; asked a second time by another jobs process, go on with what was begun, or answer again.

        What failed is begun again.
        """
        task = self._tasks.get(job.id)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            render = self._renderer(job.request, job.path, partial(self._progress, job))
            task = asyncio.ensure_future(self._timed(job.id, render))
            self._tasks[job.id] = task
            task.add_done_callback(partial(self._done, job.id))
        elif task.done():
            self._done(job.id, task)

    def stop(self, job_id: str) -> None:
        """Render it no further; answered when nothing of it is under way any more."""
        task = self._tasks.get(job_id)
        if task is None or task.done():
            self._answer(NotRendered(job_id, "cancelled", ""))
        else:
            task.cancel()

    def forget(self, job_id: str) -> float:
        """The job has ended; returns for how many seconds it was rendered here."""
        task = self._tasks.pop(job_id, None)
        if task is not None:
            task.cancel()
        return self._seconds.pop(job_id, 0.0)

    async def close(self) -> None:
        """Stop them all. What they did is done again when the server is back."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _timed(self, job_id: str, render: Awaitable[RenderResult]) -> RenderResult:
        begun = self._clock.now()
        try:
            return await render
        finally:
            self._seconds[job_id] = self._clock.now() - begun

    def _progress(self, job: RenderJob, done: float) -> None:
        if done > job.progress:
            job.progress = min(1.0, done)
            self._progressed(job)

    def _done(self, job_id: str, task: asyncio.Task[RenderResult]) -> None:
        if self._tasks.get(job_id) is not task:
            # Nobody asks for it any more.
            if not task.cancelled():
                task.exception()
            return
        if task.cancelled():
            self._answer(NotRendered(job_id, "cancelled", ""))
        elif (error := task.exception()) is not None:
            self._answer(NotRendered(job_id, *failure_of(error, job_id)))
        else:
            result = task.result()
            self._answer(Rendered(job_id, Film(result.seconds, result.frames, result.words)))
