"""What the jobs process does: keeps jobs, gives them their turns, does them, forgets them in time.

It speaks with one server, by which it was started. All of it runs in one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from server.jobs.expiry import Expiry, Keeping
from server.jobs.folders import JobFolders
from server.jobs.job import JobKind
from server.jobs.ledger import BROKEN, Ledger, Step, Stopped
from server.jobs.messages import (
    Cancel,
    Changed,
    Forget,
    FromJobs,
    Gone,
    NotRendered,
    Ready,
    Refused,
    Render,
    Rendered,
    StopRender,
    Submit,
    ToJobs,
)
from server.jobs.records import JobRecord, StepEnd, end, fold
from server.jobs.stage_process import COMMAND
from server.jobs.stage_runs import StageRuns
from server.jobs.turns import Turns
from streaming.clock import Clock
from streaming.errors import PerformerLost
from streaming.performer.wire import Channel

RENDER = "render"
"""The one step of a render."""
BUNDLE = "bundle"
"""The stage that puts an avatar into the store."""
PERFORMER_LOST = PerformerLost.code
MAX_BEGINNINGS = 20
"""Of one step. What ends the whole program so often would end it for ever."""
GIVEN_UP = f"This step was begun {MAX_BEGINNINGS} times, and each time the server ended before it did."
NOT_KEPT = "The job cannot be kept now ({}). Try again later."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkshopOptions:
    """How much is done and kept.

    Attributes:
        places: how many jobs of a kind run at once.
        keeping: how many ended ones of a kind are kept, and how long.
        plan: where the stages of avatars come from.
        stages: how to start their process, without its arguments.
    """

    places: dict[JobKind, int]
    keeping: dict[JobKind, Keeping]
    plan: str
    stages: tuple[str, ...] = COMMAND


@dataclass(eq=False)
class _Run:
    """A job that has not ended.

    Attributes:
        there: set when its files are in their place.
        begun: whether its work is under way.
        over: set when its work has ended.
        ended: set when that is told.
        stopping: whether it is to be cancelled.
        stopped: done when it is to stop.
        film: the answer of the server, for a render.
        stages: of an avatar.
    """

    job: JobRecord
    there: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    begun: bool = False
    stopping: bool = False
    film: asyncio.Future[StepEnd] | None = None
    stages: StageRuns | None = None


class Workshop:
    """All jobs of one folder.

    Args:
        ledger: keeps them for good.
        folders: where their files are.
        channel: to the server.
        server: the name of the server's incoming folder.
        clock: source of time.
        options: how much is done and kept.
    """

    def __init__(
        self,
        ledger: Ledger,
        folders: JobFolders,
        channel: Channel[ToJobs],
        server: str,
        clock: Clock,
        options: WorkshopOptions,
    ) -> None:
        self._ledger = ledger
        self._folders = folders
        self._channel = channel
        self._server = server
        self._clock = clock
        self._options = options
        self._jobs: dict[str, JobRecord] = {}
        self._runs: dict[str, _Run] = {}
        self._turns = {kind: Turns(places) for kind, places in options.places.items()}
        self._expiry = Expiry(clock, options.keeping, self._forget)
        self._loaded = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Go on with what is kept, and tell the server of all of it.

        Raises:
            Exception: the database cannot be opened, as its driver says it.
        """
        self._ledger.launch({"avatar": self._work, "render": self._work})
        for job in await self._ledger.all():
            if job.status == "cancelled" and await asyncio.to_thread(self._folders.untidy, job.id):
                await self._clear_away(job)
            elif job.ended:
                await asyncio.to_thread(self._folders.tidy, job.id)
            elif not await asyncio.to_thread(self._folders.take_in, job.id, self._server):
                # Nobody was told that it is kept: the server ended before.
                log.info("job without its files dropped", job=job.id)
                await self._ledger.cancel(job.id)
                await self._ledger.delete(job.id)
                continue
            else:
                self._expect(job).there.set()
            self._jobs[job.id] = job
        oldest = self._clock.wall() - max(keeping.seconds for keeping in self._options.keeping.values())
        strange = await self._unreadable(oldest)
        await asyncio.to_thread(self._folders.sweep, self._server, strange | self._jobs.keys(), oldest)
        self._loaded.set()
        for job in self._jobs.values():
            self._tell(job)
            if job.ended:
                self._expiry.note(job)
        self._channel.send(Ready())

    async def _unreadable(self, oldest: float) -> set[str]:
        """Jobs that stay as they are for the version that kept them, as long as ended ones are kept."""
        for job_id, created in self._ledger.unreadable.items():
            if created < oldest:
                await self._ledger.delete(job_id)
        return {job_id for job_id, created in self._ledger.unreadable.items() if created >= oldest}

    async def serve(self) -> None:
        """Do what the server asks, until it closes the pipe."""
        async for message in self._channel.messages():
            match message:
                case Submit(job):
                    self._start(self._submit(job))
                case Cancel(job_id):
                    self._start(self._cancel(job_id))
                case Forget(job_id):
                    self._start(self._forget(job_id))
                case Rendered(job_id, film):
                    self._answered(job_id, StepEnd(at=self._clock.wall(), film=film))
                case NotRendered(job_id, code, text):
                    self._answered(job_id, StepEnd(at=self._clock.wall(), code=code, message=text))

    def kill_stages(self) -> None:
        """End the processes of stages at once."""
        for run in self._runs.values():
            if run.stages is not None:
                run.stages.stop()

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("jobs: a request failed", exc_info=error)

    def _expect(self, job: JobRecord) -> _Run:
        run = self._runs[job.id] = _Run(job)
        return run

    def _tell(self, job: JobRecord) -> None:
        self._channel.send(Changed(job))

    def _send(self, message: FromJobs) -> None:
        self._channel.send(message)

    async def _submit(self, job: JobRecord) -> None:
        if job.id in self._jobs:
            # The process before this one kept it, and died before it could say so.
            self._tell(self._jobs[job.id])
            return
        self._jobs[job.id] = job
        run = self._expect(job)
        try:
            await self._ledger.begin(job)
            if not await asyncio.to_thread(self._folders.take_in, job.id, self._server):
                raise FileNotFoundError(2, "what was sent is not there")
        except Exception as error:
            log.exception("a job cannot be kept", job=job.id)
            run.stopping = True
            run.there.set()
            self._jobs.pop(job.id)
            self._runs.pop(job.id)
            reason = getattr(error, "strerror", None) or type(error).__name__
            self._send(Refused(job.id, "jobs_unavailable", NOT_KEPT.format(reason)))
            await self._ledger.cancel(job.id)
            await self._ledger.delete(job.id)
            return
        self._tell(job)
        run.there.set()

    async def _cancel(self, job_id: str) -> None:
        run = self._runs.get(job_id)
        if run is None:
            job = self._jobs.get(job_id)
            self._send(Gone(job_id) if job is None else Changed(job))
            return
        if run.stopping:
            await run.ended.wait()
            return
        run.stopping = True
        await run.there.wait()
        try:
            await self._ledger.cancel(job_id)
        except Exception:
            run.stopping = False
            self._tell(run.job)
            raise
        run.stopped.set()
        if run.stages is not None:
            run.stages.stop()
        if run.begun:
            await run.over.wait()
        await self._clear_away(run.job)
        self._ended(run, "cancelled", self._clock.wall())

    async def _clear_away(self, job: JobRecord) -> None:
        """Of a cancelled job nothing stays, the avatar neither that it may have made already."""
        if await asyncio.to_thread(self._folders.was_begun, job.id, BUNDLE):
            await self._stages_of(job).withdraw()
        await asyncio.to_thread(self._folders.tidy, job.id)

    async def _forget(self, job_id: str) -> None:
        if job_id in self._runs:
            await self._cancel(job_id)
        if job_id in self._jobs:
            self._expiry.drop(job_id)
            await self._ledger.delete(job_id)
            self._jobs.pop(job_id, None)
            await asyncio.to_thread(self._folders.discard, job_id)
        self._send(Gone(job_id))

    async def _work(self, job_id: str, do: Step) -> JobRecord:
        """Do a job, or what is left of it: DBOS calls this, and answers for steps that are finished."""
        await self._loaded.wait()
        run = self._runs.get(job_id)
        if run is None:
            known = self._jobs.get(job_id)
            if known is None or known.status == "cancelled":
                raise Stopped(f"{job_id} is gone")
            return known
        run.begun = True
        try:
            await run.there.wait()
            async with self._turn(run):
                job = run.job
                job.status = "running"
                self._tell(job)
                names = [step.name for step in job.steps] or [RENDER]
                ended = StepEnd(at=self._clock.wall())
                for name in names:
                    ended = await do(name, partial(self._step, run, name))
                    self._check(run)
                    fold(job, name, ended)
                    if ended.code is not None:
                        break
                    self._tell(job)
                await asyncio.to_thread(self._folders.tidy, job_id)
                self._check(run)
                self._ended(run, "failed" if ended.code else "done", ended.at)
        except Stopped:
            raise
        except Exception:
            log.exception("a job broke off", job=job_id)
            run.job.code, run.job.message = "internal_error", BROKEN
            self._ended(run, "failed", self._clock.wall())
            raise
        finally:
            if run.stages is not None:
                await run.stages.close()
            run.over.set()
        return job

    @asynccontextmanager
    async def _turn(self, run: _Run) -> AsyncIterator[None]:
        turns = self._turns[run.job.kind]
        place = asyncio.ensure_future(turns.take(run.job.created))
        stopped = asyncio.ensure_future(run.stopped.wait())
        try:
            await asyncio.wait((place, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not place.done():
                place.cancel()
        if not place.done():
            raise Stopped(f"{run.job.id} is cancelled")
        try:
            self._check(run)
            yield
        finally:
            turns.give()

    def _check(self, run: _Run) -> None:
        if run.stopping:
            raise Stopped(f"{run.job.id} is cancelled")

    async def _step(self, run: _Run, name: str) -> StepEnd:
        self._check(run)
        begun = await asyncio.to_thread(self._folders.count_beginning, run.job.id, name)
        if begun > MAX_BEGINNINGS:
            return StepEnd(at=self._clock.wall(), code="job_given_up", message=GIVEN_UP)
        if run.job.kind == "render":
            return await self._render(run)
        if run.stages is None:
            run.stages = self._stages_of(run.job)
        ended = await run.stages.run(name)
        self._check(run)
        return ended

    def _stages_of(self, job: JobRecord) -> StageRuns:
        return StageRuns(
            job,
            self._folders.of(job.id),
            self._options.plan,
            self._clock,
            partial(self._tell, job),
            self._options.stages,
        )

    async def _render(self, run: _Run) -> StepEnd:
        ended = await self._ask_for_film(run)
        if ended.code == PERFORMER_LOST:
            log.warning("the performer died under a render, which is begun again", job=run.job.id)
            ended = await self._ask_for_film(run)
        return ended

    async def _ask_for_film(self, run: _Run) -> StepEnd:
        run.film = asyncio.get_running_loop().create_future()
        stopped = asyncio.ensure_future(run.stopped.wait())
        self._send(Render(run.job.id))
        try:
            await asyncio.wait((run.film, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        if not run.film.done():
            self._send(StopRender(run.job.id))
            await run.film
        self._check(run)
        return run.film.result()

    def _answered(self, job_id: str, ended: StepEnd) -> None:
        run = self._runs.get(job_id)
        if run is not None and run.film is not None and not run.film.done():
            run.film.set_result(ended)

    def _ended(self, run: _Run, status: Any, at: float) -> None:
        end(run.job, status, at)
        self._runs.pop(run.job.id, None)
        run.ended.set()
        self._tell(run.job)
        self._expiry.note(run.job)
