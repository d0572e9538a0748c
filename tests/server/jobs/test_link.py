import asyncio

import pytest

from server.jobs.errors import JobsUnavailable
from server.jobs.link import FIRST_REST_SECONDS, JobsLink
from server.settings_environment import environment_of
from tests.server.jobs.conftest import AT_ONCE, COMMAND, WITHIN
from tests.support.clock import ManualClock


class RestingClock(ManualClock):
    """Says when somebody sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.slept = asyncio.Event()

    async def sleep_until(self, when: float) -> None:
        self.slept.set()
        await super().sleep_until(when)


async def test_a_process_that_could_not_come_up_is_tried_again_by_itself(shop):
    clock, ready = RestingClock(), asyncio.Event()
    async with shop() as place:
        await place.submit("anna")
        link = JobsLink(
            lambda message: None,
            ready.set,
            lambda why: None,
            clock,
            environment_of(place.settings),
            (*COMMAND, *AT_ONCE, "--server", "0000"),
        )
        with pytest.raises(JobsUnavailable, match="Another server keeps its jobs"):
            await link.up()
        await asyncio.wait_for(clock.slept.wait(), WITHIN)
    try:
        await clock.advance(FIRST_REST_SECONDS + 1)
        await asyncio.wait_for(ready.wait(), WITHIN)
        assert link.ready
    finally:
        await link.close()
