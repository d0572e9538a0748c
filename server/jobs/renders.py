"""Render jobs: a bounded queue in this process, with progress, cancelling and retention.

What is sent while it is rendered stands in no queue: its sender is there now. It runs beside the queue,
within a bound of its own, so that neither ever waits for the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog

from avatars.errors import AvatarError
from server.jobs.job import ENDED
from server.models import RenderStatus
from server.problems import HTTPProblem
from streaming.clock import Clock
from streaming.errors import CapacityReached, LipstreamError
from streaming.render import RenderRequest, RenderResult

Renderer = Callable[[RenderRequest, Path, Callable[[float], None]], Awaitable[RenderResult]]
"""Renders a request to a path and reports progress in 0..1; leaves no file behind unless it succeeds."""

_log = structlog.get_logger(__name__)


class RenderObserver(Protocol):
    """Takes note of renders."""

    def render_ended(self, status: str, seconds: float) -> None:
        """A render ended."""
        ...


@dataclass(eq=False)
class RenderJob:
    """One render. Times are unix seconds. ``code`` and ``message`` say why it failed or ends early."""

    id: str
    token: str
    request: RenderRequest
    path: Path
    created: float
    status: RenderStatus = "queued"
    progress: float = 0.0
    finished: float | None = None
    result: RenderResult | None = None
    code: str | None = None
    message: str | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[RenderResult] | None = None


class RenderJobs:
    """All renders of this process.

    Args:
        renderer: does the work.
        directory: where results go; made when missing.
        clock: source of time.
        observer: is told when a render ends.
        concurrency: renders that run at once.
        queue: renders that may wait; more are refused.
        streams: renders of sound that is still coming that run at once, beside those; more are refused.
        keep: ended renders that are remembered.
        keep_seconds: how long an ended render is remembered.
    """

    def __init__(
        self,
        renderer: Renderer,
        directory: Path,
        clock: Clock,
        observer: RenderObserver,
        *,
        concurrency: int,
        queue: int,
        streams: int,
        keep: int,
        keep_seconds: float,
    ) -> None:
        self._renderer = renderer
        self._directory = directory
        self._clock = clock
        self._observer = observer
        self._concurrency = concurrency
        self._limit = queue
        self._max_streams = streams
        self._keep = keep
        self._keep_seconds = keep_seconds
        self._copying = 0
        self._jobs: dict[str, RenderJob] = {}
        self._submitted = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._streams: dict[asyncio.Task[None], RenderJob] = {}
        self._expiries: dict[str, asyncio.Task[None]] = {}

    @property
    def waiting(self) -> int:
        """How many renders wait."""
        return sum(job.status == "queued" for job in self._jobs.values())

    async def start(self) -> None:
        """Start the workers and remove results that an earlier process left behind."""
        await asyncio.to_thread(self._clear_old)
        self._workers = [
            asyncio.create_task(self._work(), name=f"render-worker-{number}")
            for number in range(self._concurrency)
        ]

    async def close(self) -> None:
        """Cancel what runs and stop; results stay on disk until they are too old."""
        dropped = [job.id for job in self._jobs.values() if job.status not in ENDED]
        if dropped:
            _log.warning("renders dropped at shutdown", renders=dropped)
        for job in self._streams.values():
            if job.task is not None:
                job.task.cancel()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, *self._streams, return_exceptions=True)
        expiries = list(self._expiries.values())
        for expiry in expiries:
            expiry.cancel()
        await asyncio.gather(*expiries, return_exceptions=True)
        for job in self._jobs.values():
            await _drop_recording(job)
        self._workers.clear()
        self._expiries.clear()

    def check_room(self) -> None:
        """Whether one more may wait.

        Raises:
            CapacityReached: too many wait already.
        """
        if self.waiting + self._copying >= self._limit:
            raise CapacityReached(f"{self._limit} renders wait already. Try again when some are done.")

    def submit(self, request: RenderRequest) -> RenderJob:
        """Queue a render.

        Raises:
            CapacityReached: too many wait already.
        """
        self.check_room()
        return self._queue(_new_id(), request)

    async def submit_recording(self, request: RenderRequest, recording: BinaryIO) -> RenderJob:
        """Queue a render of a recording, of which a copy is kept until the render has ended.

        Raises:
            CapacityReached: too many wait already, or the disk is full.
        """
        self.check_room()
        job_id = _new_id()
        path = self._directory / f"{job_id}.audio"
        self._copying += 1
        try:
            await asyncio.to_thread(_copy, recording, path)
        except OSError as error:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            reason = error.strerror or type(error).__name__
            raise CapacityReached(f"The recording cannot be kept ({reason}). Try again later.") from error
        except BaseException:
            # The thread may still be writing; a file that nobody owns goes at the next start.
            path.unlink(missing_ok=True)
            raise
        finally:
            self._copying -= 1
        return self._queue(job_id, replace(request, audio=path))

    def submit_stream(
        self, request: RenderRequest, job_id: str | None = None, token: str | None = None
    ) -> RenderJob:
        """Begin to render sound that is still coming: that of the request's feed, which the job closes.

        Args:
            request: what to render.
            job_id: an id for it that is safe as a file's name; chosen here when not given.
            token: the secret for it; chosen here when not given.

        Raises:
            CapacityReached: too many are being rendered already.
            HTTPProblem: 409 when there is a render with this id.
        """
        if len(self._streams) >= self._max_streams:
            raise CapacityReached(
                f"{self._max_streams} streams are being rendered already. Try again when one has ended, or "
                "send the sound as a file when all of it is there."
            )
        if job_id in self._jobs:
            raise HTTPProblem(409, "render_exists", "There is a render with this id. Choose another one.")
        job = self._add(job_id or _new_id(), request, token)
        begun = self._begin(job)
        task = asyncio.create_task(self._follow(job, begun), name=f"render-stream-{job.id}")
        self._streams[task] = job
        task.add_done_callback(self._streams.pop)
        return job

    def _queue(self, job_id: str, request: RenderRequest) -> RenderJob:
        job = self._add(job_id, request)
        self._submitted.set()
        return job

    def _add(self, job_id: str, request: RenderRequest, token: str | None = None) -> RenderJob:
        job = RenderJob(
            id=job_id,
            token=token or secrets.token_urlsafe(24),
            request=request,
            path=self._directory / f"{job_id}.mp4",
            created=self._clock.wall(),
        )
        self._jobs[job.id] = job
        return job

    def get(self, job_id: str) -> RenderJob:
        """The render with this id.

        Raises:
            HTTPProblem: 404.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise HTTPProblem(
                404, "render_not_found", "There is no render with this id; it may have expired."
            )
        return job

    def all(self) -> list[RenderJob]:
        """Every render, newest first."""
        return list(reversed(self._jobs.values()))

    async def wait(self, job: RenderJob, seconds: float) -> None:
        """Return when the render ends, or after ``seconds``."""
        if job.status in ENDED or seconds <= 0:
            return
        ended = asyncio.create_task(job.ended.wait())
        timer = asyncio.create_task(self._clock.sleep_until(self._clock.now() + seconds))
        try:
            await asyncio.wait((ended, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            timer.cancel()

    async def cancel(self, job: RenderJob) -> None:
        """Stop a render that waits or runs, and return when it has stopped."""
        if job.status == "queued":
            self._end(job, "cancelled", 0.0)
            await _drop_recording(job)
        elif job.task is not None:
            job.task.cancel()
            await job.ended.wait()

    async def forget(self, job: RenderJob) -> None:
        """Delete an ended render and its file."""
        if expiry := self._expiries.pop(job.id, None):
            expiry.cancel()
        self._jobs.pop(job.id, None)
        await asyncio.to_thread(job.path.unlink, missing_ok=True)

    async def _work(self) -> None:
        while True:
            job = await self._next()
            await self._follow(job, self._begin(job))
            await _drop_recording(job)

    async def _next(self) -> RenderJob:
        """The render that has waited longest; one that was cancelled meanwhile takes no memory."""
        while True:
            if job := next((job for job in self._jobs.values() if job.status == "queued"), None):
                return job
            self._submitted.clear()
            await self._submitted.wait()

    def _begin(self, job: RenderJob) -> float:
        """Start the work; returns the monotonic second of its beginning."""

        def progress(fraction: float) -> None:
            job.progress = min(1.0, max(job.progress, fraction))

        job.status = "running"
        job.task = asyncio.ensure_future(self._renderer(job.request, job.path, progress))
        return self._clock.now()

    async def _follow(self, job: RenderJob, begun: float) -> None:
        """Wait for the end of what has begun, and note what came of it."""
        assert job.task is not None
        try:
            # Waiting on the task, not awaiting it, tells the job's cancelling from the worker's own.
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
            if isinstance(error, LipstreamError | AvatarError):
                job.code, job.message = error.code, error.message
            else:
                job.code, job.message = "internal_error", "The render failed; the server's log says why."
                _log.error("render failed", render=job.id, exc_info=error)
            self._end(job, "failed", seconds)

    def _end(self, job: RenderJob, status: RenderStatus, seconds: float) -> None:
        job.status = status
        job.finished = self._clock.wall()
        job.task = None
        if job.request.feed is not None:
            job.request.feed.close()
        job.ended.set()
        self._observer.render_ended(status, seconds)
        ended = [other for other in self._jobs.values() if other.status in ENDED]
        surplus = ended[: max(0, len(ended) - self._keep)]
        self._expire(job, self._keep_seconds)
        for other in surplus:
            self._expire(other, 0.0)

    def _expire(self, job: RenderJob, seconds: float) -> None:
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


def _new_id() -> str:
    return "r_" + secrets.token_hex(8)


def _copy(source: BinaryIO, path: Path) -> None:
    source.seek(0)
    with path.open("wb") as target:
        shutil.copyfileobj(source, target)


async def _drop_recording(job: RenderJob) -> None:
    if job.request.audio is None:
        return
    try:
        await asyncio.to_thread(job.request.audio.unlink, missing_ok=True)
    except OSError:
        # It goes when the server starts again. A worker that fell over it would render nothing more.
        _log.exception("a recording cannot be removed", render=job.id)
