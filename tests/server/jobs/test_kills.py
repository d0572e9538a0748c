import asyncio
import json
import os
import select
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any
from unittest.mock import ANY

from tests.server.jobs.conftest import WITHIN
from tests.support.cheap_stages import GATE, NAMES


async def killed_server(folder: Path, *options: str) -> dict[str, Any]:
    """A server that is killed while its jobs run; what it had, when all its processes are gone."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.jobs_server", str(folder), *options),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert server.stdout is not None
    had = json.loads(await asyncio.wait_for(server.stdout.readline(), WITHIN))
    handles = [os.pidfd_open(pid) for pid in had["pids"]]
    os.kill(server.pid, signal.SIGKILL)
    for handle in handles:
        ended, _, _ = await asyncio.to_thread(select.select, [handle], [], [], WITHIN)
        assert ended, "nothing outlives the server"
        os.close(handle)
    await server.wait()
    return had


async def test_whatever_is_killed_nothing_is_lost_or_doubled(shop, tmp_path: Path):
    folder = tmp_path / "data"
    had = await killed_server(folder, "submit")
    assert len(had["pids"]) == 2, "the jobs process and that of the stages"
    assert await killed_server(folder) == had | {"pids": ANY}
    (folder / "jobs" / ".new-0000").mkdir()
    (folder / "jobs" / ".gone-j_00000000").mkdir()
    async with shop() as place:
        jobs = {job.id: job for job in place.jobs.all()}
        assert {job_id: job.token for job_id, job in jobs.items()} == had["tokens"]
        anna = next(job for job in jobs.values() if (job.folder / GATE).exists())
        (film,) = place.jobs.all("render")
        await place.at(anna, "think")
        (pid,) = place.stage_pids()
        await place.kill(pid)
        await place.at(anna, "think")
        await place.kill(place.jobs.link.pid)
        await place.release(anna)
        await place.renderer.begun(1)
        place.renderer.gates[0].set_result(None)
        for job in jobs.values():
            await place.until(job, "done")
        avatars = place.jobs.all("avatar")
        assert sorted(place.ran) == sorted(f"{job.id} {name}" for job in avatars for name in NAMES)
        assert sorted(entry.id for entry in place.store.list() if not entry.builtin) == ["anna", "berta"]
        assert place.jobs.link.restarts == 1
        left = sorted(path.name for path in (folder / "jobs").iterdir() if path.is_dir())
        assert left == sorted(jobs)
        assert [path.name for job in jobs.values() for path in job.folder.iterdir()] == ["video.mp4"]
        assert film.path.exists()
    with sqlite3.connect(folder / "jobs" / "jobs.sqlite") as database:
        kept = database.execute("select workflow_uuid, function_name from operation_outputs").fetchall()
    assert sorted(kept) == sorted(
        [(film.id, "render"), *((job.id, name) for job in avatars for name in NAMES)]
    )
