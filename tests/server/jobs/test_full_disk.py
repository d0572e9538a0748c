import asyncio
import resource

import pytest

from server.jobs.folders import FILM
from streaming.render import RenderRequest

NOTHING, ANYTHING = (0, resource.RLIM_INFINITY), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can let a process find no room")
async def test_what_ended_while_the_disk_was_full_is_kept_once_there_is_room(shop):
    async with shop() as place:
        film = await place.jobs.submit_render(RenderRequest("Hello", "mira"))
        await place.renderer.begun(1)
        assert place.jobs.link.pid is not None
        resource.prlimit(place.jobs.link.pid, resource.RLIMIT_FSIZE, NOTHING)
        place.renderer.gates[0].set_result(None)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await place.jobs.until_ended(film)
        resource.prlimit(place.jobs.link.pid, resource.RLIMIT_FSIZE, ANYTHING)
        await place.until(film, "done")
        assert [path.stem for path in film.folder.iterdir()] == [FILM]
    async with shop() as place:
        assert [(job.id, job.status) for job in place.jobs.all()] == [(film.id, "done")]
        assert place.renderer.gates == [], "it is not rendered again"
