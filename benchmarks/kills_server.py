"""A server without its HTTP side, for ``benchmarks.kills``: takes orders as lines of JSON, and answers so.

``python -m benchmarks.kills_server FOLDER``: real jobs, the real engines, avatars of 64 pixels.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from avatars.manifest import Provenance
from avatars.store import BUILTIN_ROOT
from precompute.order import AvatarOrder
from server import log
from server.jobs import Job
from server.settings import Settings
from server.state import State, build_state
from streaming.errors import LipstreamError
from streaming.render import RenderRequest

SIZE = 64
QUEUE = 1000
PHOTO = BUILTIN_ROOT / "sources" / "mira.png"


def settings_of(folder: Path) -> Settings:
    return Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        data_dir=folder,
        speech="hibari",
        log_level="warning",
        log_format="json",
        avatar_queue=QUEUE,
        render_queue=QUEUE,
        render_keep=QUEUE,
        avatar_jobs_keep=QUEUE,
    )


def _say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _told(job: Job) -> dict[str, Any]:
    step = next((step.name for step in job.steps if step.status == "running"), "")
    return {"id": job.id, "kind": job.kind, "status": job.status, "code": job.code, "step": step}


async def _submit(state: State, kind: str, name: str) -> None:
    try:
        if kind == "avatar":
            order = AvatarOrder(
                avatar=name,
                kind="photo",
                size=SIZE,
                provenance=Provenance(consent="Rendered; nobody's face."),
            )
            with PHOTO.open("rb") as photo:
                job: Job = await state.jobs.submit_avatar(order, photo)
        else:
            job = await state.jobs.submit_render(RenderRequest(f"This is film {name}.", "mira"))
    except LipstreamError as error:
        _say(refused=name, code=error.code)
    else:
        _say(acknowledged=name, id=job.id)


async def _main(folder: Path) -> None:
    log.set_up("warning", "json")
    state = build_state(settings_of(folder))
    starting = asyncio.create_task(state.performer.start())
    await state.jobs.start()
    _say(ready=os.getpid())
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    tasks = set()
    async for line in lines:
        asked = json.loads(line)
        if asked["ask"] == "jobs":
            _say(jobs=[_told(job) for job in state.jobs.all()], process=state.jobs.link.pid)
        else:
            tasks.add(asyncio.create_task(_submit(state, asked["ask"], asked["name"])))
    starting.cancel()
    await state.close()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
