"""What routes do with jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from server.jobs.job import AvatarJob, Job, JobKind

if TYPE_CHECKING:
    from precompute.order import AvatarOrder


class Jobs(Protocol):
    """All jobs of this server that outlive it."""

    def check_room(self, kind: JobKind = "avatar") -> None:
        """Whether one more may wait: ask before an upload is taken in.

        Raises:
            CapacityReached: too many wait already.
        """
        ...

    async def submit_avatar(
        self, order: AvatarOrder, source: BinaryIO, backdrop: BinaryIO | None = None
    ) -> AvatarJob:
        """Take an order for an avatar; it is kept for good when this returns.

        Args:
            order: what is wished for.
            source: the photo or video, from its beginning; copied before this returns.
            backdrop: the picture or film behind the person, likewise.

        Raises:
            CapacityReached: too many wait already, or the disk is full.
            JobsUnavailable: jobs cannot be kept now; the message says why.
        """
        ...

    def get(self, job_id: str) -> Job:
        """The job with this id.

        Raises:
            HTTPProblem: 404.
        """
        ...

    def all(self, kind: JobKind | None = None) -> list[Job]:
        """Every job (of a kind), newest first."""
        ...

    async def wait(self, job: Job, seen: int, seconds: float) -> None:
        """Return when ``job.revision`` is another one than ``seen``, or after ``seconds``.

        Returns at once for a job that has ended.
        """
        ...

    async def cancel(self, job: Job) -> None:
        """Stop a job that waits or runs, for good, and return when it has stopped."""
        ...

    async def forget(self, job: Job) -> None:
        """Delete an ended job with its files. An avatar that it made stays."""
        ...

    def preview(self, job: Job, step: str) -> Path:
        """The picture (WebP) of what a step made.

        Raises:
            HTTPProblem: 404, there is no such step, or no picture of it.
        """
        ...
