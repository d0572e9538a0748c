"""Runs the stages of an avatar's job, one after the other, in a process of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from server.jobs.ledger import Stopped
from server.jobs.records import JobRecord, StepEnd
from server.jobs.stage_messages import Told
from server.jobs.stage_process import COMMAND, StageProcess, StagesDied
from streaming.clock import Clock

CRASHES = 2
"""A process that died so often at one stage will not get through it: most are killed for their memory."""
CRASHED = (
    "The process of this step died, and died again when it was tried once more. Most often there is too "
    "little memory: try a smaller photo or a shorter video."
)
SILENT_SECONDS = 3600.0
"""A step that gets no further for so long hangs, and others wait for its place."""
STALLED = "This step got no further for an hour, and was ended. Try another photo or video."

log = structlog.get_logger(__name__)


class StageRuns:
    """The stages of one job.

    Args:
        job: it.
        folder: where its files are.
        plan: where stages come from.
        clock: source of time.
        changed: called when something is to be told of the job.
        command: how to start the process, for tests.
    """

    def __init__(
        self,
        job: JobRecord,
        folder: Path,
        plan: str,
        clock: Clock,
        changed: Callable[[], None],
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self._job = job
        self._clock = clock
        self._changed = changed
        self._process = StageProcess(
            folder, msgspec.json.encode(job.order).decode(), plan, self._told, command
        )
        self._stopped = False
        self._heard = clock.now()

    async def run(self, name: str) -> StepEnd:
        """Do a stage.

        Raises:
            Stopped: :meth:`stop` was called.
        """
        step = self._job.step(name)
        step.status = "running"
        self._changed()
        for crash in range(1, CRASHES + 1):
            try:
                return await self._run(name)
            except StagesDied:
                if self._stopped:
                    raise Stopped(f"{self._job.id} is cancelled") from None
                log.warning("a stage's process died", job=self._job.id, stage=name, times=crash)
        return StepEnd(at=self._clock.wall(), code="stage_crashed", message=CRASHED)

    async def _run(self, name: str) -> StepEnd:
        """Do a stage; one that hangs is ended."""
        self._heard = self._clock.now()
        work = asyncio.ensure_future(self._process.run(name))
        try:
            while not work.done() and (end := self._heard + SILENT_SECONDS) > self._clock.now():
                silence = asyncio.ensure_future(self._clock.sleep_until(end))
                try:
                    await asyncio.wait((work, silence), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    silence.cancel()
        finally:
            # Its process is killed then.
            work.cancel()
            await asyncio.wait((work,))
        if not work.cancelled():
            return work.result()
        log.warning("a stage hangs and is ended", job=self._job.id, stage=name)
        return StepEnd(at=self._clock.wall(), code="stage_stalled", message=STALLED)

    async def withdraw(self) -> None:
        """Take the avatar out of the store again that the stages may have made."""
        try:
            problem = (await self._process.withdraw()).message
        except StagesDied:
            problem = "the process died"
        finally:
            await self.close()
        if problem is not None:
            log.warning("the avatar of a cancelled job may still be there", job=self._job.id, reason=problem)

    def stop(self) -> None:
        """End what runs, at once and for good."""
        self._stopped = True
        self._process.kill()

    async def close(self) -> None:
        """End the process, and wait until it is gone."""
        await self._process.close()

    def _told(self, told: Told) -> None:
        self._heard = self._clock.now()
        step = self._job.step(told.stage)
        step.progress, step.preview, step.notes = told.progress, told.preview, told.notes
        self._changed()
