"""Jobs that lie in memory, and go on only when a test says so."""

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from precompute.order import AvatarOrder
from server.jobs import AvatarJob, Job, JobKind, JobStatus, Step
from server.problems import HTTPProblem
from streaming.errors import CapacityReached

NOW = 1_700_000_000.0


class JobShelf:
    """What routes see of jobs (:class:`server.jobs.base.Jobs`).

    Attributes:
        sent: bytes of the source and of what is behind, by job.
        room: how many more it takes.
    """

    def __init__(self, folder: Path, room: int = 100) -> None:
        self._folder = folder
        self._jobs: dict[str, AvatarJob] = {}
        self._changed = asyncio.Condition()
        self.sent: dict[str, tuple[bytes, bytes | None]] = {}
        self.room = room

    async def close(self) -> None:
        pass

    def check_room(self, kind: JobKind = "avatar") -> None:
        if len(self._jobs) >= self.room:
            raise CapacityReached("Too many wait. Try again when some are done.")

    async def submit_avatar(
        self, order: AvatarOrder, source: BinaryIO, backdrop: BinaryIO | None = None
    ) -> AvatarJob:
        self.check_room()
        job_id = f"j_{secrets.token_hex(8)}"
        folder = self._folder / job_id
        folder.mkdir(parents=True)
        steps = [Step("open", "Opening the photo", 0.2), Step("face", "Finding the face", 0.8)]
        job = AvatarJob(
            id=job_id,
            token=secrets.token_urlsafe(24),
            kind="avatar",
            folder=folder,
            created=NOW + len(self._jobs),
            steps=steps,
            order=order,
        )
        self.sent[job_id] = _read(source), None if backdrop is None else _read(backdrop)
        self._jobs[job_id] = job
        await self._tell(job)
        return job

    async def newest(self) -> AvatarJob:
        """The last job, once there is one."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: self._jobs)
        return next(reversed(self._jobs.values()))

    def get(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise HTTPProblem(404, "job_not_found", "There is no job with this id; it may have expired.")
        return self._jobs[job_id]

    def all(self, kind: JobKind | None = None) -> list[Job]:
        return [job for job in reversed(self._jobs.values()) if kind in (None, job.kind)]

    async def wait(self, job: Job, seen: int, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: job.ended or job.revision != seen)

    async def cancel(self, job: Job) -> None:
        await self.end(job.id, "cancelled")

    async def forget(self, job: Job) -> None:
        del self._jobs[job.id]

    def preview(self, job: Job, step: str) -> Path:
        if not any(one.name == step and one.preview for one in job.steps):
            raise HTTPProblem(404, "preview_not_found", "There is no such picture.")
        return job.folder / f"{step}.webp"

    async def change(self, job_id: str, step: str, progress: float, picture: bytes | None = None) -> None:
        """A step goes on; at 1 it is done."""
        job = self._jobs[job_id]
        (at,) = (one for one in job.steps if one.name == step)
        job.status = "running"
        at.status, at.progress = "done" if progress == 1 else "running", progress
        at.seconds = 0.123456 if progress == 1 else None
        if picture is not None:
            (job.folder / f"{step}.webp").write_bytes(picture)
            at.preview = True
        await self._tell(job)

    async def end(self, job_id: str, status: JobStatus, code: str | None = None, message: str | None = None):
        job = self._jobs[job_id]
        job.status, job.code, job.message, job.finished = status, code, message, NOW + 60
        await self._tell(job)

    async def _tell(self, job: Job) -> None:
        async with self._changed:
            job.revision += 1
            self._changed.notify_all()


def _read(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
