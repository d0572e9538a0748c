"""Durable jobs in a process that can be killed: ``python -m tests.support.jobs_server FOLDER [submit]``.

With ``submit``, it takes two avatars, of which one is held at the step ``think``, and a film that never gets
done. It says what it has as a line of JSON when that step is under way, and lives until it is killed.
"""

import asyncio
import json
import sys
from pathlib import Path

from streaming.render import RenderRequest
from tests.server.jobs.conftest import Shop


async def main(folder: Path, submit: bool) -> None:
    place = Shop(folder)
    await place.jobs.start()
    if submit:
        held = await place.held("anna", "think")
        await place.submit("berta")
        await place.jobs.submit_render(RenderRequest("Hello", "mira"))
    else:
        held = min(place.jobs.all("avatar"), key=lambda job: job.created)
        await place.at(held, "think")
    await place.renderer.begun(1)
    pids = [place.jobs.link.pid, *place.stage_pids()]
    print(json.dumps({"pids": pids, "tokens": {job.id: job.token for job in place.jobs.all()}}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), "submit" in sys.argv))
