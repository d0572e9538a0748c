"""Durable jobs in one process and in memory: the real facade and the real workshop, without DBOS between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server.jobs import durable
from server.jobs.durable import DurableJobs, Room
from server.jobs.expiry import Keeping
from server.jobs.folders import JobFolders
from server.jobs.ledger import Stopped
from server.jobs.messages import FromJobs, Ready, Render, ToJobs
from server.jobs.records import JobRecord, StepEnd, StepRecord, end, fold
from server.jobs.workshop import Workshop, WorkshopOptions
from streaming.render import RenderRequest, RenderResult
from tests.support.clock import ManualClock


class MemoryLedger:
    """Keeps jobs as the real one does, as long as this object lives."""

    def __init__(self) -> None:
        self.jobs: dict[str, bytes] = {}
        self.steps: dict[str, dict[str, StepEnd]] = {}
        self.outcomes: dict[str, JobRecord | str] = {}
        self.broken: Exception | None = None
        self.unreadable: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def launch(self, work: dict[str, Any]) -> None:
        self._work = work
        for job_id in self.jobs:
            if job_id not in self.outcomes:
                self._run(job_id)

    async def begin(self, job: JobRecord) -> None:
        if self.broken is not None:
            raise self.broken
        self.jobs.setdefault(job.id, msgspec.json.encode(job))
        self.steps.setdefault(job.id, {})
        self._run(job.id)

    async def cancel(self, job_id: str) -> None:
        self.outcomes.setdefault(job_id, "cancelled")

    async def delete(self, job_id: str) -> None:
        for kept in (self.jobs, self.steps, self.outcomes):
            kept.pop(job_id, None)

    async def all(self) -> list[JobRecord]:
        return [self._job(job_id) for job_id in self.jobs]

    def stop(self) -> None:
        """As the death of the process does."""
        for task in self._tasks:
            task.cancel()

    def _job(self, job_id: str) -> JobRecord:
        job = msgspec.json.decode(self.jobs[job_id], type=JobRecord)
        for name, ended in self.steps[job_id].items():
            fold(job, name, ended)
        outcome = self.outcomes.get(job_id)
        if isinstance(outcome, JobRecord):
            return outcome
        if outcome == "cancelled":
            end(job, "cancelled", job.created)
        return job

    def _run(self, job_id: str) -> None:
        async def step(name: str, do: Callable[[], Any]) -> StepEnd:
            if name not in self.steps[job_id]:
                self.steps[job_id][name] = await do()
            return self.steps[job_id][name]

        async def run() -> None:
            try:
                kind = self._job(job_id).kind
                self.outcomes[job_id] = await self._work[kind](job_id, step)
            except Stopped:
                pass

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class MemoryLink:
    """Stands in for the jobs process: its workshop runs here."""

    house: "House"

    def __init__(self, heard: Callable[[FromJobs], None], ready: Any, lost: Any, *_: Any) -> None:
        self.heard, self.on_ready, self.lost = heard, ready, lost
        self.inbox: asyncio.Queue[ToJobs] = asyncio.Queue()
        self.serving: asyncio.Task[None] | None = None
        self.asked_to_render = asyncio.Event()

    async def up(self) -> None:
        if self.serving is None:
            workshop = Workshop(
                self.house.ledger,  # pyright: ignore[reportArgumentType]
                self.house.folders,
                self,  # pyright: ignore[reportArgumentType]
                self.house.jobs._server,
                self.house.clock,
                self.house.options,
            )
            self.serving = asyncio.create_task(self._serve(workshop))
            self.house.folders.make()
            await workshop.open()

    async def _serve(self, workshop: Workshop) -> None:
        await workshop.serve()

    def send(self, message: Any) -> bool:
        if isinstance(message, ToJobs):
            if self.serving is None:
                return False
            self.inbox.put_nowait(message)
        elif isinstance(message, Ready):
            self.on_ready()
        else:
            self.heard(message)
            if isinstance(message, Render):
                self.asked_to_render.set()
        return True

    async def messages(self) -> AsyncIterator[ToJobs]:
        while True:
            yield await self.inbox.get()

    async def die(self) -> None:
        """As kill -9 does to the jobs process."""
        assert self.serving is not None
        self.serving.cancel()
        self.serving = None
        self.house.ledger.stop()
        self.inbox = asyncio.Queue()
        self.lost(None)

    async def close(self) -> None:
        if self.serving is not None:
            await self.die()


class GatedRenderer:
    """Renders when told to."""

    def __init__(self) -> None:
        self.gates: list[asyncio.Future[None]] = []
        self.progress: list[Callable[[float], None]] = []
        self.requests: list[RenderRequest] = []
        self.called = asyncio.Event()

    async def __call__(
        self, request: RenderRequest, path: Path, progress: Callable[[float], None]
    ) -> RenderResult:
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        self.progress.append(progress)
        self.requests.append(request)
        self.called.set()
        _write(path)
        try:
            await gate
        except BaseException:
            _remove(path)
            raise
        return RenderResult(path, 1.0, 25)

    async def begun(self, count: int) -> None:
        """Return when so many renders have been begun."""
        async with asyncio.timeout(20):
            while len(self.gates) < count:
                self.called.clear()
                await self.called.wait()


def _write(path: Path) -> None:
    path.write_bytes(b"part")


def _remove(path: Path) -> None:
    path.unlink()


class Notes:
    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []
        self.renders: list[str] = []

    def job_ended(self, kind: str, status: str) -> None:
        self.ended.append((kind, status))

    def render_ended(self, status: str, seconds: float) -> None:
        self.renders.append(status)


class House:
    """Everything together."""

    def __init__(self, root: Path, **changes: Any) -> None:
        limits = {"places": 1, "waiting": 2, "keep": 10, "keep_seconds": 60.0} | changes
        self.clock, self.notes, self.renderer = ManualClock(), Notes(), GatedRenderer()
        self.ledger = MemoryLedger()
        self.folders = JobFolders(root)
        self.options = WorkshopOptions(
            places={"avatar": limits["places"], "render": limits["places"]},
            keeping={
                "avatar": Keeping(limits["keep"], limits["keep_seconds"]),
                "render": Keeping(limits["keep"], limits["keep_seconds"]),
            },
            plan="none:none",
        )
        room = Room(limits["places"], limits["waiting"])
        self.jobs = DurableJobs(
            self.folders,
            self.clock,
            self.notes,
            self.renderer,
            lambda order: [StepRecord(name="only", title="Only", weight=1.0)],
            {"avatar": room, "render": room},
            {},
        )

    @property
    def link(self) -> MemoryLink:
        assert isinstance(self.jobs.link, MemoryLink)
        return self.jobs.link

    def files(self, job_id: str) -> list[str]:
        folder = self.folders.of(job_id)
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@asynccontextmanager
async def memory_jobs(monkeypatch: pytest.MonkeyPatch, root: Path, **changes: Any) -> AsyncIterator[House]:
    """Such a house."""
    monkeypatch.setattr(durable, "JobsLink", MemoryLink)
    house = House(root, **changes)
    house.link.house = house
    try:
        yield house
    finally:
        await house.jobs.close()
