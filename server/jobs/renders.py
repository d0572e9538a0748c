"""All films, for the routes of renders: those that outlive the server, and those of streams."""

from __future__ import annotations

from typing import BinaryIO

from server.jobs.durable import DurableJobs
from server.jobs.job import RenderJob
from server.jobs.streams import StreamJob, Streams
from server.problems import HTTPProblem
from streaming.render import RenderRequest


class Renders:
    """What routes do with renders.

    Args:
        jobs: has those of texts and recordings.
        streams: has those of streams.
    """

    def __init__(self, jobs: DurableJobs, streams: Streams) -> None:
        self._jobs = jobs
        self._streams = streams

    async def start(self) -> None:
        """Remove films that an earlier process left behind."""
        await self._streams.start()

    async def close(self) -> None:
        """Stop those of streams."""
        await self._streams.close()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._jobs.count("render", "queued")

    def check_room(self) -> None:
        """Whether one more may wait.

        Raises:
            CapacityReached: too many wait already.
        """
        self._jobs.check_room("render")

    async def submit(self, request: RenderRequest, recording: BinaryIO | None = None) -> RenderJob:
        """Queue a render of a text, or of a recording; see :meth:`DurableJobs.submit_render`."""
        return await self._jobs.submit_render(request, recording)

    def submit_stream(
        self, request: RenderRequest, job_id: str | None = None, token: str | None = None
    ) -> StreamJob:
        """Begin to render sound that is still coming; see :meth:`Streams.submit`."""
        if job_id is not None and self._jobs.find(job_id) is not None:
            raise HTTPProblem(409, "render_exists", "There is a render with this id. Choose another one.")
        return self._streams.submit(request, job_id, token)

    def get(self, job_id: str) -> RenderJob:
        """The render with this id.

        Raises:
            HTTPProblem: 404.
        """
        job = self._streams.find(job_id) or self._jobs.find(job_id)
        if not isinstance(job, RenderJob):
            raise HTTPProblem(
                404, "render_not_found", "There is no render with this id; it may have expired."
            )
        return job

    def all(self) -> list[RenderJob]:
        """Every render, newest first."""
        durable = [job for job in self._jobs.all("render") if isinstance(job, RenderJob)]
        return sorted([*durable, *self._streams.all()], key=lambda job: job.created, reverse=True)

    async def wait(self, job: RenderJob, seconds: float) -> None:
        """Return when the render ends, or after ``seconds``."""
        if isinstance(job, StreamJob):
            await self._streams.wait_end(job, seconds)
        else:
            await self._jobs.wait_end(job, seconds)

    async def until_ended(self, job: RenderJob) -> None:
        """Return when the render has ended, however long that takes."""
        if isinstance(job, StreamJob):
            await self._streams.until_ended(job)
        else:
            await self._jobs.until_ended(job)

    async def cancel(self, job: RenderJob) -> None:
        """Stop a render that waits or runs, and return when it has stopped."""
        if isinstance(job, StreamJob):
            await self._streams.cancel(job)
        else:
            await self._jobs.cancel(job)

    async def forget(self, job: RenderJob) -> None:
        """Delete an ended render and its file."""
        if isinstance(job, StreamJob):
            await self._streams.forget(job)
        else:
            await self._jobs.forget(job)
