"""Films of sound that is still coming: made while it is sent, by whom it is sent, and so in no queue.

They live as long as this process. What makes them runs beside the queue of other films, within a bound of its
own, so that neither ever waits for the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path

import structlog

from server.jobs.changes import Changes
from server.jobs.durable import JobObserver
from server.jobs.job import JobStatus, RenderJob
from server.jobs.render_work import Renderer, failure_of
from server.problems import HTTPProblem
from streaming.clock import Clock
from streaming.errors import CapacityReached
from streaming.render import RenderRequest, RenderResult

_log = structlog.get_logger(__name__)


@dataclass(eq=False, kw_only=True)
class StreamJob(RenderJob):
    """A film of sound that is still coming."""

    task: asyncio.Task[RenderResult] | None = None


class Streams:
    """All such films of this process.

    Args:
        renderer: does the work.
        directory: where films go; made when missing.
        clock: source of time.
        observer: is told when a render ends.
        streams: how many are made at once; more are refused.
        keep: ended ones that are remembered.
        keep_seconds: how long an ended one is remembered.
    """

    def __init__(
        self,
        renderer: Renderer,
        directory: Path,
        clock: Clock,
        observer: JobObserver,
        *,
        streams: int,
        keep: int,
        keep_seconds: float,
    ) -> None:
        self._renderer = renderer
        self._directory = directory
        self._clock = clock
        self._observer = observer
        self._max_streams = streams
        self._keep = keep
        self._keep_seconds = keep_seconds
        self._jobs: dict[str, StreamJob] = {}
        self._changes = Changes(clock)
        self._running: dict[asyncio.Task[None], StreamJob] = {}
        self._expiries: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Remove films that an earlier process left behind."""
        await asyncio.to_thread(self._clear_old)

    async def close(self) -> None:
        """Stop what runs; films stay on disk until they are too old."""
        dropped = [job.id for job in self._jobs.values() if not job.ended]
        if dropped:
            _log.warning("renders of streams dropped at shutdown", renders=dropped)
        for job in self._running.values():
            if job.task is not None:
                job.task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        expiries = list(self._expiries.values())
        for expiry in expiries:
            expiry.cancel()
        await asyncio.gather(*expiries, return_exceptions=True)
        self._expiries.clear()

    def submit(
        self, request: RenderRequest, job_id: str | None = None, token: str | None = None
    ) -> StreamJob:
        """Begin to render sound that is still coming: that of the request's feed, which the job closes.

        Args:
            request: what to render.
            job_id: an id for it that is safe as a file's name; chosen here when not given.
            token: the secret for it; chosen here when not given.

        Raises:
            CapacityReached: too many are being rendered already.
            HTTPProblem: 409 when there is a render with this id.
        """
        if len(self._running) >= self._max_streams:
            raise CapacityReached(
                f"{self._max_streams} streams are being rendered already. Try again when one has ended, or "
                "send the sound as a file when all of it is there."
            )
        if job_id in self._jobs:
            raise HTTPProblem(409, "render_exists", "There is a render with this id. Choose another one.")
        chosen = job_id or "r_" + secrets.token_hex(8)
        job = StreamJob(
            id=chosen,
            token=token or secrets.token_urlsafe(24),
            kind="render",
            folder=self._directory,
            created=self._clock.wall(),
            request=request,
            path=self._directory / f"{chosen}.mp4",
        )
        self._jobs[job.id] = job
        begun = self._begin(job)
        task = asyncio.create_task(self._follow(job, begun), name=f"render-stream-{job.id}")
        self._running[task] = job
        task.add_done_callback(self._running.pop)
        return job

    def find(self, job_id: str) -> StreamJob | None:
        """The one with this id, if there is one."""
        return self._jobs.get(job_id)

    def all(self) -> list[StreamJob]:
        """Every one."""
        return list(self._jobs.values())

    async def wait_end(self, job: StreamJob, seconds: float) -> None:
        """Return when it has ended, or after ``seconds``."""
        await self._changes.wait(job, lambda: job.ended, seconds)

    async def until_ended(self, job: StreamJob) -> None:
        """Return when it has ended."""
        await self._changes.wait_for_end(job)

    async def cancel(self, job: StreamJob) -> None:
        """Stop one, and return when it has stopped."""
        if job.task is not None:
            job.task.cancel()
            await self.until_ended(job)

    async def forget(self, job: StreamJob) -> None:
        """Delete an ended one and its file."""
        if expiry := self._expiries.pop(job.id, None):
            expiry.cancel()
        self._jobs.pop(job.id, None)
        await asyncio.to_thread(job.path.unlink, missing_ok=True)

    def _begin(self, job: StreamJob) -> float:
        """Start the work; returns the monotonic second of its beginning."""

        def progress(fraction: float) -> None:
            job.progress = min(1.0, max(job.progress, fraction))
            self._changes.changed(job)

        job.status = "running"
        job.task = asyncio.ensure_future(self._renderer(job.request, job.path, progress))
        return self._clock.now()

    async def _follow(self, job: StreamJob, begun: float) -> None:
        """Wait for the end of what has begun, and note what came of it."""
        assert job.task is not None
        try:
            # Waiting on the task, not awaiting it, tells the job's cancelling from the follower's own.
            await asyncio.wait((job.task,))
        except asyncio.CancelledError:
            job.task.cancel()
            await asyncio.gather(job.task, return_exceptions=True)
            self._end(job, "cancelled", self._clock.now() - begun)
            raise
        seconds = self._clock.now() - begun
        if job.task.cancelled():
            self._end(job, "cancelled", seconds)
        elif (error := job.task.exception()) is None:
            job.result = job.task.result()
            job.progress = 1.0
            self._end(job, "done", seconds)
        else:
            job.code, job.message = failure_of(error, job.id)
            self._end(job, "failed", seconds)

    def _end(self, job: StreamJob, status: JobStatus, seconds: float) -> None:
        job.status = status
        job.finished = self._clock.wall()
        job.task = None
        if job.request.feed is not None:
            job.request.feed.close()
        self._changes.changed(job)
        self._observer.render_ended(status, seconds)
        ended = [other for other in self._jobs.values() if other.ended]
        surplus = ended[: max(0, len(ended) - self._keep)]
        self._expire(job, self._keep_seconds)
        for other in surplus:
            self._expire(other, 0.0)

    def _expire(self, job: StreamJob, seconds: float) -> None:
        async def later() -> None:
            await self._clock.sleep_until(self._clock.now() + seconds)
            self._expiries.pop(job.id, None)
            await self.forget(job)

        if earlier := self._expiries.pop(job.id, None):
            earlier.cancel()
        self._expiries[job.id] = asyncio.create_task(later(), name=f"render-expiry-{job.id}")

    def _clear_old(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        oldest = self._clock.wall() - self._keep_seconds
        # Hidden ones are what a killed process was writing.
        for path in (*self._directory.glob("r_*"), *self._directory.glob(".r_*")):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
