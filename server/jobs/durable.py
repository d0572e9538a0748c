"""Jobs that outlive the server: what routes do with them. They are kept and done by the jobs process."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog

from precompute.order import AvatarOrder
from server.jobs.changes import Changes
from server.jobs.errors import JobsUnavailable
from server.jobs.folders import BACKDROP, PREVIEWS, SOURCE, JobFolders
from server.jobs.job import AvatarJob, Job, JobKind, JobStatus, RenderJob
from server.jobs.link import COMMAND, JobsLink
from server.jobs.messages import (
    Cancel,
    Changed,
    Forget,
    FromJobs,
    Gone,
    NotRendered,
    Refused,
    Render,
    StopRender,
    Submit,
    ToJobs,
)
from server.jobs.mirror import job_of, take_over
from server.jobs.orders import order_of
from server.jobs.records import JobRecord, StepRecord
from server.jobs.render_work import Renderer, RenderWork
from server.problems import HTTPProblem
from streaming.clock import Clock
from streaming.errors import CapacityReached, error_from_code
from streaming.render import RenderRequest

ANSWER_SECONDS = 60.0
"""What a question to the jobs process waits for its answer."""
UNREADABLE = "This version cannot read what was asked for."
PREFIX: dict[JobKind, str] = {"avatar": "j_", "render": "r_"}

Planner = Callable[[AvatarOrder], Sequence[StepRecord]]
"""Says which steps an order takes. Called in a worker thread."""

log = structlog.get_logger(__name__)


class JobObserver(Protocol):
    """Takes note of jobs."""

    def job_ended(self, kind: str, status: str) -> None:
        """A job ended."""
        ...

    def render_ended(self, status: str, seconds: float) -> None:
        """A render ended, after so many seconds of work."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """How many jobs of a kind there may be that have not ended.

    Attributes:
        places: that run at once.
        waiting: that may wait.
    """

    places: int
    waiting: int


class DurableJobs:
    """See :class:`server.jobs.base.Jobs`.

    Args:
        folders: where they lie.
        clock: source of time.
        observer: is told when one ends.
        renderer: renders films, here.
        planner: says what steps an avatar takes.
        room: for each kind.
        environment: of the jobs process: the settings.
        command: how to start the jobs process.
    """

    def __init__(
        self,
        folders: JobFolders,
        clock: Clock,
        observer: JobObserver,
        renderer: Renderer,
        planner: Planner,
        room: dict[JobKind, Room],
        environment: dict[str, str],
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self._folders = folders
        self._clock = clock
        self._observer = observer
        self._planner = planner
        self._room = room
        self._server = secrets.token_hex(4)
        self._jobs: dict[str, Job] = {}
        self._told: set[str] = set()
        """Of them, those that the jobs process of now has told of."""
        self._coming: Counter[JobKind] = Counter()
        self._unwanted: set[str] = set()
        """Submitted by somebody who was told that it failed, or who is gone."""
        self._asked: dict[tuple[type, str], tuple[ToJobs, asyncio.Future[None]]] = {}
        self._changes = Changes(clock)
        self._work = RenderWork(renderer, clock, self._answer, self._changes.changed)
        self._link = JobsLink(
            self._heard,
            self._ready,
            self._lost,
            clock,
            environment,
            (*command, "--server", self._server),
        )

    @property
    def link(self) -> JobsLink:
        """The jobs process."""
        return self._link

    async def start(self, at_once: bool = False) -> None:
        """Go on with what is kept; without anything kept, the jobs process is started when it is needed.

        Args:
            at_once: start it anyway.
        """
        if not at_once and not await asyncio.to_thread(self._folders.database.exists):
            return
        try:
            await self._link.up()
        except JobsUnavailable as error:
            log.error("jobs are not available", reason=error.message)

    async def close(self) -> None:
        """End the jobs process. What runs goes on when the server is started again."""
        await self._link.close()
        await self._work.close()
        await asyncio.to_thread(shutil.rmtree, self._folders.incoming(self._server), True)

    def check_room(self, kind: JobKind = "avatar") -> None:
        """See :meth:`server.jobs.base.Jobs.check_room`."""
        room = self._room[kind]
        unended = sum(not job.ended for job in self.all(kind))
        if unended + self._coming[kind] >= room.places + room.waiting:
            what = "renders" if kind == "render" else "avatars"
            raise CapacityReached(f"{room.waiting} {what} wait already. Try again when some are done.")

    async def submit_avatar(
        self, order: AvatarOrder, source: BinaryIO, backdrop: BinaryIO | None = None
    ) -> AvatarJob:
        """See :meth:`server.jobs.base.Jobs.submit_avatar`."""
        self.check_room("avatar")
        steps = await asyncio.to_thread(self._planner, order)
        files = [(SOURCE, source), *([(BACKDROP, backdrop)] if backdrop is not None else [])]
        job = await self._submit("avatar", order.model_dump(mode="json"), files, list(steps))
        assert isinstance(job, AvatarJob)
        return job

    async def submit_render(self, request: RenderRequest, recording: BinaryIO | None = None) -> RenderJob:
        """Take an order for a film of a text, or of a recording; it is kept for good when this returns.

        Args:
            request: what is wished for.
            recording: copied before this returns.

        Raises:
            CapacityReached: too many wait already, or the disk is full.
            JobsUnavailable: jobs cannot be kept now; the message says why.
        """
        order = order_of(request, recording is not None)
        files = [(SOURCE, recording)] if recording is not None else []
        job = await self._submit("render", order, files, [])
        assert isinstance(job, RenderJob)
        return job

    def find(self, job_id: str) -> Job | None:
        """The job with this id, if there is one."""
        return self._jobs.get(job_id)

    def get(self, job_id: str) -> Job:
        """See :meth:`server.jobs.base.Jobs.get`."""
        job = self._jobs.get(job_id)
        if job is None:
            raise HTTPProblem(404, "job_not_found", "There is no job with this id; it may have expired.")
        return job

    def all(self, kind: JobKind | None = None) -> list[Job]:
        """See :meth:`server.jobs.base.Jobs.all`."""
        found = [job for job in self._jobs.values() if kind is None or job.kind == kind]
        return sorted(found, key=lambda job: job.created, reverse=True)

    def count(self, kind: JobKind, status: JobStatus) -> int:
        """How many jobs of a kind are that far."""
        return sum(job.status == status for job in self._jobs.values() if job.kind == kind)

    async def wait(self, job: Job, seen: int, seconds: float) -> None:
        """See :meth:`server.jobs.base.Jobs.wait`."""
        await self._changes.wait(job, lambda: job.ended or job.revision != seen, seconds)

    async def wait_end(self, job: Job, seconds: float) -> None:
        """Return when the job has ended, or after ``seconds``."""
        await self._changes.wait(job, lambda: job.ended, seconds)

    async def until_ended(self, job: Job) -> None:
        """Return when the job has ended, however long that takes."""
        await self._changes.wait_for_end(job)

    async def cancel(self, job: Job) -> None:
        """See :meth:`server.jobs.base.Jobs.cancel`."""
        if not job.ended:
            await self._ask(Cancel(job.id), job.id)

    async def forget(self, job: Job) -> None:
        """See :meth:`server.jobs.base.Jobs.forget`."""
        if job.id in self._jobs:
            await self._ask(Forget(job.id), job.id)

    def preview(self, job: Job, step: str) -> Path:
        """See :meth:`server.jobs.base.Jobs.preview`."""
        if not any(known.name == step and known.preview for known in job.steps):
            raise HTTPProblem(404, "preview_not_found", "There is no picture of such a step.")
        return job.folder / PREVIEWS / f"{step}.webp"

    # Submitting.

    async def _submit(
        self,
        kind: JobKind,
        order: dict[str, object],
        files: Sequence[tuple[str, BinaryIO]],
        steps: list[StepRecord],
    ) -> Job:
        self.check_room(kind)
        record = JobRecord(
            id=PREFIX[kind] + secrets.token_hex(8),
            kind=kind,
            created=self._clock.wall(),
            order=order,
            steps=steps,
        )
        folder = self._folders.incoming(self._server) / record.id
        self._coming[kind] += 1
        try:
            await self._link.up()
            try:
                await asyncio.to_thread(_take_in, folder, files)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise CapacityReached(f"What was sent cannot be kept ({reason}). Try again later.") from error
            await self._ask(Submit(record), record.id)
            return self._jobs[record.id]
        except BaseException:
            # The thread may still be writing; what nobody owns goes with this server, or at the next start.
            shutil.rmtree(folder, ignore_errors=True)
            self._unwanted.add(record.id)
            self._link.send(Forget(record.id))
            raise
        finally:
            self._coming[kind] -= 1

    # Talking with the jobs process.

    async def _ask(self, message: ToJobs, job_id: str) -> None:
        """Send a message and wait for its answer, even when another jobs process has to give it."""
        key = (type(message), job_id)
        await self._link.up()
        if key in self._asked:
            _, answered = self._asked[key]
        else:
            # From here to the sending nothing may be waited for: who comes up anew is asked all of these.
            answered = asyncio.get_running_loop().create_future()
            answered.add_done_callback(_looked_at)
            self._asked[key] = (message, answered)
            self._link.send(message)
        done, _ = await asyncio.wait((answered,), timeout=ANSWER_SECONDS)
        if not done:
            self._asked.pop(key, None)
            raise JobsUnavailable("The jobs process does not answer. Try again later.")
        answered.result()

    def _settle(self, kind: type, job_id: str, error: Exception | None = None) -> None:
        _, answered = self._asked.pop((kind, job_id), (None, None))
        if answered is not None and not answered.done():
            answered.set_exception(error) if error is not None else answered.set_result(None)

    def _answer(self, message: ToJobs) -> None:
        # Without a jobs process there is nobody who waits for it; the next one asks again.
        self._link.send(message)

    def _heard(self, message: FromJobs) -> None:
        match message:
            case Changed(record):
                self._changed(record)
            case Gone(job_id):
                self._gone(job_id)
            case Refused(job_id, code, text):
                self._settle(Submit, job_id, error_from_code(code, text))
            case Render(job_id):
                job = self._jobs.get(job_id)
                if isinstance(job, RenderJob):
                    self._work.begin(job)
                else:
                    # Whoever waits for it would keep others from their turn.
                    self._answer(NotRendered(job_id, "internal_error", UNREADABLE))
            case StopRender(job_id):
                self._work.stop(job_id)

    def _changed(self, record: JobRecord) -> None:
        if record.id in self._unwanted:
            self._link.send(Forget(record.id))
            return
        job = self._jobs.get(record.id)
        if job is None:
            job = job_of(record, self._folders)
            self._jobs[job.id] = job
            was_ended = record.ended
        else:
            was_ended = job.ended
            take_over(job, record)
        self._told.add(job.id)
        self._settle(Submit, job.id)
        if job.ended:
            seconds = self._work.forget(job.id)
            self._settle(Cancel, job.id)
            if not was_ended:
                self._note_end(job, seconds)
        self._changes.changed(job)

    def _gone(self, job_id: str) -> None:
        self._told.discard(job_id)
        self._unwanted.discard(job_id)
        job = self._jobs.pop(job_id, None)
        self._work.forget(job_id)
        self._settle(Cancel, job_id)
        self._settle(Forget, job_id)
        if job is None:
            return
        if not job.ended:
            job.status = "cancelled"
            job.finished = self._clock.wall()
        self._changes.changed(job)

    def _note_end(self, job: Job, seconds: float) -> None:
        self._observer.job_ended(job.kind, job.status)
        if job.kind == "render":
            self._observer.render_ended(job.status, seconds)
        log.info("job ended", job=job.id, kind=job.kind, status=job.status, code=job.code)

    def _ready(self) -> None:
        for job_id in [known for known in self._jobs if known not in self._told]:
            self._gone(job_id)
        for message, _ in list(self._asked.values()):
            self._link.send(message)

    def _lost(self, why: str | None) -> None:
        self._told.clear()
        if why is not None:
            for kind, job_id in list(self._asked):
                self._settle(kind, job_id, JobsUnavailable(why))


def _take_in(folder: Path, files: Sequence[tuple[str, BinaryIO]]) -> None:
    folder.mkdir(mode=0o700, parents=True)
    for name, source in files:
        source.seek(0)
        with (folder / name).open("wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            # Its job is acknowledged by a database that is on the disk: so is this.
            os.fsync(target.fileno())


def _looked_at(future: asyncio.Future[None]) -> None:
    """Who asked may have gone: then nobody looks at the error, and asyncio would say so."""
    if not future.cancelled():
        future.exception()
