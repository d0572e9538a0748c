import asyncio
import io
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from avatars.store import AvatarStore
from precompute.order import AvatarOrder
from server.jobs import AvatarJob, Job
from server.jobs.durable import DurableJobs, Room
from server.jobs.folders import JobFolders
from server.jobs.plans import steps_of
from server.settings import Settings
from server.settings_environment import environment_of
from streaming.clock import SystemClock
from tests.support import cheap_stages
from tests.support.memory_jobs import GatedRenderer, Notes

COMMAND = (sys.executable, "-m", "server.jobs.child", "--plan", cheap_stages.PLAN)
AT_ONCE = ("--wait", "0")
WITHIN = 60.0


class Shop:
    """Durable jobs with real processes, and stages that cost nothing."""

    def __init__(self, data_dir: Path, options: tuple[str, ...] = (), **settings: Any) -> None:
        self.settings = Settings(_env_file=None, data_dir=data_dir, log_level="warning", **settings)  # pyright: ignore[reportCallIssue]
        self.folders = JobFolders(self.settings.jobs_dir)
        self.store = AvatarStore(self.settings.avatars_dir)
        self.notes, self.renderer = Notes(), GatedRenderer()
        room = Room(1, 8)
        self.jobs = DurableJobs(
            self.folders,
            SystemClock(),
            self.notes,
            self.renderer,
            partial(steps_of, cheap_stages.PLAN, lambda: ()),
            {"avatar": room, "render": room},
            environment_of(self.settings),
            (*COMMAND, *options),
        )

    async def submit(self, avatar: str, name: str = "Anna") -> AvatarJob:
        order = AvatarOrder(avatar=avatar, kind="photo", name=name)
        return await self.jobs.submit_avatar(order, io.BytesIO(b"a photo"))

    async def until(self, job: Job, *statuses: str) -> None:
        async with asyncio.timeout(WITHIN):
            while job.status not in statuses:
                await self.jobs._changes._next(job)

    async def at(self, job: Job, step: str, progress: float = 0.5) -> None:
        """Return when a step is that far."""
        async with asyncio.timeout(WITHIN):
            while not any(known.name == step and known.progress >= progress for known in job.steps):
                await self.jobs._changes._next(job)

    async def held(self, avatar: str, step: str) -> AvatarJob:
        """A job that waits in a step."""
        job = await self.submit(avatar, f"hold {step}")
        await asyncio.to_thread(os.mkfifo, job.folder / cheap_stages.GATE)
        await self.at(job, step)
        return job

    async def release(self, job: Job) -> None:
        """Let it go on."""
        await asyncio.to_thread((job.folder / cheap_stages.GATE).write_bytes, b"")

    @property
    def ran(self) -> list[str]:
        """What every finished run of a stage noted down."""
        path = self.settings.data_dir / cheap_stages.RAN
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    async def kill(self, pid: int | None) -> None:
        """Kill a process, and return when it is dead."""
        assert pid is not None
        process = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(select.select, [process], [], [], WITHIN)
        os.close(process)

    def stage_pids(self) -> list[int]:
        """Of the processes in which stages run."""
        children = Path(f"/proc/{self.jobs.link.pid}/task/{self.jobs.link.pid}/children")
        return [int(pid) for pid in children.read_text(encoding="ascii").split()]


@pytest.fixture
def shop(tmp_path: Path):
    @asynccontextmanager
    async def make(folder: str = "data", **settings: Any) -> AsyncIterator[Shop]:
        place = Shop(tmp_path / folder, **settings)
        await place.jobs.start(at_once=place.settings.jobs_url is not None)
        try:
            yield place
        finally:
            await place.jobs.close()

    return make
