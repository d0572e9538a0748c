"""Kills the server, the jobs process and the processes of stages while jobs run; looks for what is missing.

All jobs are real: a photo becomes an avatar (64 pixels), a text becomes a film. Whom the next signal hits,
and when, is drawn from a seeded generator; what it finds there depends on the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import psutil
from av.error import FFmpegError

from avatars.store import AvatarStore
from benchmarks.result import Row

KILLS = 100
SEED = 6
AVATARS, FILMS = 2, 2
"""So many jobs of a kind are waiting or running at any time."""
PAUSES_SECONDS = ((0.0, 2.0), (4.0, 12.0))
"""Between two signals, once a job runs: often too short for a step, often enough for some."""
ANSWER_SECONDS = 60.0
FINISH_SECONDS = 900.0
VICTIMS = ("server", "jobs process", "stages")


@dataclass
class Tally:
    """What was done and seen."""

    kills: Counter[str] = field(default_factory=Counter)
    steps_hit: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    survivors: int = 0
    stage_kills: dict[str, set[str]] = field(default_factory=dict)
    recovery: list[float] = field(default_factory=list)


class Server:
    """The server as a process, and what it says."""

    def __init__(self, folder: Path, tally: Tally) -> None:
        self.folder, self.tally = folder, tally
        self.process: asyncio.subprocess.Process | None = None
        self.jobs: list[dict[str, Any]] = []
        self.jobs_pid: int | None = None
        self.unanswered: set[str] = set()
        self._heard: asyncio.Task[None] | None = None
        self._answered = asyncio.Event()

    async def start(self) -> None:
        begun = time.perf_counter()
        command = (sys.executable, "-m", "benchmarks.kills_server", str(self.folder))
        self.process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=None
        )
        self._answered.clear()
        self._heard = asyncio.create_task(self._hear(self.process))
        await asyncio.wait_for(self._answered.wait(), ANSWER_SECONDS)
        self.tally.recovery.append(time.perf_counter() - begun)

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            said = json.loads(line)
            self.unanswered.discard(said.get("acknowledged") or said.get("refused", ""))
            if "acknowledged" in said:
                self.tally.acknowledged[said["acknowledged"]] = said["id"]
            if "jobs" in said:
                self.jobs, self.jobs_pid = said["jobs"], said["process"]
            if "jobs" in said or "ready" in said:
                self._answered.set()

    async def ask(self, what: str, name: str = "") -> None:
        assert self.process is not None and self.process.stdin is not None
        self._answered.clear()
        if name:
            self.unanswered.add(name)
        self.process.stdin.write(json.dumps({"ask": what, "name": name}).encode() + b"\n")
        with suppress(ConnectionError):
            await self.process.stdin.drain()
        if what == "jobs":
            await asyncio.wait_for(self._answered.wait(), ANSWER_SECONDS)

    async def kill(self) -> None:
        """Kill -9, and see that its children end with it."""
        assert self.process is not None and self._heard is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await self._heard
        # What was not acknowledged may be there or not.
        self.unanswered.clear()
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
        self.tally.survivors += len(alive)

    async def stop(self) -> None:
        assert self.process is not None and self.process.stdin is not None and self._heard is not None
        self.process.stdin.close()
        await self.process.wait()
        await self._heard

    def stages(self) -> list[psutil.Process]:
        if self.jobs_pid is None:
            return []
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.jobs_pid).children()
        return []


async def _fill(server: Server, tally: Tally) -> None:
    for kind, wanted in (("avatar", AVATARS), ("render", FILMS)):
        unended = sum(job["kind"] == kind and job["status"] in ("queued", "running") for job in server.jobs)
        coming = sum(name.startswith(kind) for name in server.unanswered)
        for _ in range(wanted - unended - coming):
            tally.asked += 1
            await server.ask(kind, f"{kind}-{tally.asked:03}")


async def _running(server: Server) -> dict[str, Any]:
    """Wait until an avatar's step is under way in a process."""
    while True:
        await server.ask("jobs")
        for job in server.jobs:
            if job["step"] and server.stages():
                return job
        await _fill(server, server.tally)
        await asyncio.sleep(0.1)


async def _kill_one(server: Server, tally: Tally, draw: random.Random) -> None:
    await _fill(server, tally)
    await _running(server)
    await asyncio.sleep(draw.uniform(*draw.choice(PAUSES_SECONDS)))
    victim = VICTIMS[draw.randrange(3)]
    job = await _running(server)
    if victim == "stages":
        hit = tally.stage_kills.setdefault(job["id"], set())
        if job["step"] in hit:
            # A step whose process dies twice fails its job, as it should.
            victim = "jobs process"
        else:
            hit.add(job["step"])
    tally.kills[victim] += 1
    tally.steps_hit[job["step"]] += 1
    if victim == "server":
        await server.kill()
        await server.start()
    elif victim == "jobs process":
        assert server.jobs_pid is not None
        children = server.stages()
        os.kill(server.jobs_pid, signal.SIGKILL)
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
        tally.survivors += len(alive)
    else:
        for process in server.stages():
            with suppress(psutil.NoSuchProcess):
                process.kill()


async def _finish(server: Server) -> None:
    until = time.monotonic() + FINISH_SECONDS
    while time.monotonic() < until:
        await server.ask("jobs")
        if all(job["status"] not in ("queued", "running") for job in server.jobs):
            return
        await asyncio.sleep(0.5)


def _steps(folder: Path) -> dict[str, list[str]]:
    """Names of the finished steps of each job, in their order, as the database has them."""
    with sqlite3.connect(folder / "jobs" / "jobs.sqlite") as database:
        found = database.execute(
            "select workflow_uuid, function_name from operation_outputs order by workflow_uuid, function_id"
        ).fetchall()
    steps: dict[str, list[str]] = {}
    for job, name in found:
        steps.setdefault(job, []).append(name)
    return steps


def _leftovers(folder: Path, ids: set[str]) -> list[str]:
    """What lies in the folder of jobs and should not."""
    found = []
    for path in (folder / "jobs").iterdir():
        if path.name in ids:
            found += [str(left) for left in path.iterdir() if left.name not in ("previews", "video.mp4")]
        elif not re.match(r"jobs\.sqlite|lock$|node$|key$", path.name):
            found.append(str(path))
    return found


def _plays(path: Path) -> bool:
    with suppress(OSError, FFmpegError), av.open(str(path)) as film:
        return sum(1 for _ in film.decode(video=0)) > 0
    return False


def _rows(folder: Path, server: Server, tally: Tally, seconds: float) -> list[Row]:
    jobs = {job["id"]: job for job in server.jobs}
    known = set(tally.acknowledged.values())
    lost = [job_id for job_id in known if job_id not in jobs]
    unfinished = [job["id"] for job in server.jobs if job["status"] != "done"]
    store = AvatarStore(folder / "avatars")
    avatars = [entry for entry in store.list() if not entry.builtin]
    damaged = [entry.id for entry in avatars if entry.problem]
    steps = _steps(folder)
    avatar_jobs = [job for job in server.jobs if job["kind"] == "avatar"]
    orders = {tuple(steps.get(job["id"], ())) for job in avatar_jobs}
    doubled = sum(len(names) - len(set(names)) for names in steps.values())
    unacknowledged = len(jobs) - len(known & set(jobs))
    films = [folder / "jobs" / job["id"] / "video.mp4" for job in server.jobs if job["kind"] == "render"]
    left = _leftovers(folder, set(jobs))
    broken = [str(path) for path in films if not _plays(path)]
    note = ", ".join(f"{count} {name}" for name, count in sorted(tally.kills.items()))
    where = ", ".join(f"{count} in {name}" for name, count in sorted(tally.steps_hit.items()))
    return [
        Row("signals", sum(tally.kills.values()), "kills", KILLS, "higher", f"{note}; {where}"),
        Row("jobs that were acknowledged", len(known), "jobs", note=f"{len(avatar_jobs)} avatars"),
        Row("jobs lost", len(lost), "jobs", 0, note=", ".join(lost)),
        Row("jobs not done", len(unfinished), "jobs", 0, note=_reasons(jobs, unfinished)),
        Row("bundles missing or too many", abs(len(avatars) - len(avatar_jobs)), "avatars", 0),
        Row("bundles damaged", len(damaged), "avatars", 0, note=", ".join(damaged)),
        Row("films missing or damaged", len(broken), "films", 0),
        Row("steps noted as finished twice", doubled, "steps", 0),
        Row(
            "orders in which steps were done",
            len(orders),
            "orders",
            1,
            note=" | ".join(map(" ".join, orders)),
        ),
        Row("jobs that are there though nobody was told", unacknowledged, "jobs", note="killed in between"),
        Row("processes that outlived their parent", tally.survivors, "processes", 0),
        Row(
            "files left over",
            len(left := _leftovers(folder, set(jobs))),
            "files",
            0,
            note=", ".join(left[:5]),
        ),
        Row("start of the server until it knows its jobs, median", _median(tally.recovery), "s"),
        Row("the whole, on this machine", seconds, "s"),
    ]


def _reasons(jobs: dict[str, dict[str, Any]], ids: list[str]) -> str:
    return ", ".join(f"{job_id} {jobs[job_id]['status']} {jobs[job_id]['code']}" for job_id in ids)


def _median(values: list[float]) -> float:
    return round(sorted(values)[len(values) // 2], 2)


async def measure(kills: int = KILLS) -> list[Row]:
    draw = random.Random(SEED)
    tally = Tally()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        server = Server(Path(name), tally)
        await server.start()
        while sum(tally.kills.values()) < kills:
            await _kill_one(server, tally, draw)
        await _finish(server)
        await server.kill()
        await server.start()
        await _finish(server)
        await server.ask("jobs")
        await server.stop()
        return await asyncio.to_thread(
            _rows, Path(name), server, tally, round(time.perf_counter() - begun, 1)
        )
