"""Entry point of the process in which a job's stages run: ``python -m server.jobs.stage_child``.

Started by :class:`server.jobs.stage_process.StageProcess`; ends when the other end of its pipe closes.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import structlog

from avatars.errors import AvatarError
from avatars.store import AvatarStore
from precompute.order import AvatarOrder
from precompute.stages.base import Desk, Watcher
from precompute.stages.bundle import find_made
from server import log as logs
from server.avatar_parts import part_builders
from server.jobs.errors import StageUnknown
from server.jobs.plans import plan_of
from server.jobs.records import StepEnd
from server.jobs.stage_messages import Ended, Open, Run, Told, ToStages, Withdraw
from server.settings import Settings
from server.settings_environment import settings_of_parent
from streaming.children import die_with_parent, go_first_without_memory
from streaming.clock import SystemClock
from streaming.errors import LipstreamError
from streaming.performer.wire import Channel

NICENESS = 10
"""Whoever is watched and heard now goes first."""
MIN_STEP = 0.01
"""Progress is told when so much more is done."""

log = structlog.get_logger(__name__)


class _Teller(Watcher):
    """Passes on what happens at the desk, from the thread of the stage to the loop of the pipe."""

    def __init__(self, channel: Channel[ToStages]) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._clear()

    def _clear(self) -> None:
        self._told = 0.0
        self.shown = False
        self.notes: list[str] = []

    def progress(self, stage: str, done: float) -> None:
        if done == 0.0:
            self._clear()
        if done == 0.0 or done >= self._told + MIN_STEP:
            self._told = done
            self._tell(stage)

    def preview(self, stage: str, path: Path) -> None:
        self.shown = True
        self._tell(stage)

    def note(self, stage: str, text: str) -> None:
        self.notes.append(text)
        self._tell(stage)

    def _tell(self, stage: str) -> None:
        message = Told(stage, self._told, self.shown, list(self.notes))
        self._loop.call_soon_threadsafe(self._channel.send, message)


class _Desks:
    """The desk of the job, and its stages."""

    def __init__(self, plan: str, settings: Settings, teller: _Teller, message: Open) -> None:
        self._clock = SystemClock()
        self._lock = _only_one(Path(message.folder))
        order = AvatarOrder.model_validate_json(message.order)
        builders = part_builders(settings)
        store = AvatarStore(settings.avatars_dir)
        self._desk = Desk(Path(message.folder), order, store, builders, self._clock, watcher=teller)
        self._stages = {stage.name: stage for stage in plan_of(plan)(order, builders)}

    def run(self, name: str) -> StepEnd:
        """Do a stage, unless it was finished before: then its process died before it could say so."""
        return self._ended(name, lambda: self._run(name))

    def withdraw(self) -> StepEnd:
        """Take the avatar out of the store again, if this job made it."""
        return self._ended("", self._withdraw)

    def _run(self, name: str) -> None:
        stage = self._stages.get(name)
        if stage is None:
            raise StageUnknown(f"This version has no stage '{name}'. Start the job again.")
        if not self._desk.finished(name):
            self._desk.run(stage)

    def _withdraw(self) -> None:
        if find_made(self._desk) is not None:
            self._desk.store.delete(self._desk.order.avatar)

    def _ended(self, name: str, work: Callable[[], None]) -> StepEnd:
        begun = self._clock.now()
        code = message = None
        try:
            work()
        except (LipstreamError, AvatarError) as error:
            code, message = error.code, error.message
        except MemoryError:
            code, message = "out_of_memory", "There is too little memory for this. Send something smaller."
        except OSError as error:
            log.exception("a stage failed", stage=name)
            code = "disk_failed"
            message = (
                f"Files of the job cannot be read or written ({error.strerror or error}). Try again later."
            )
        except Exception:
            log.exception("a stage failed", stage=name)
            code, message = "internal_error", "This step failed; the server's log says why."
        record = self._desk.record(name)
        return StepEnd(
            at=self._clock.wall(),
            seconds=round(self._clock.now() - begun, 3),
            preview=self._desk.preview_path(name).exists(),
            notes=record.notes,
            report=record.report,
            code=code,
            message=message,
        )


def _only_one(folder: Path) -> IO[bytes]:
    """Wait until no other process works in this folder: one that is being killed may still be writing."""
    file = (folder / ".lock").open("ab")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


async def _main(options: argparse.Namespace, settings: Settings) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=options.fd))
    channel: Channel[ToStages] = Channel(reader, writer, ToStages)
    work: asyncio.Queue[ToStages] = asyncio.Queue()
    worker = asyncio.create_task(_work(channel, work, settings, options.plan))
    worker.add_done_callback(_broken)
    async for message in channel.messages():
        work.put_nowait(message)
    # Nobody is there to be told. A stage cannot be asked to stop, and nothing that it does has to be undone.
    os._exit(0)


async def _work(
    channel: Channel[ToStages], work: asyncio.Queue[ToStages], settings: Settings, plan: str
) -> None:
    teller = _Teller(channel)
    opened = await work.get()
    assert isinstance(opened, Open)
    desks = await asyncio.to_thread(lambda: _Desks(plan, settings, teller, opened))
    while True:
        match await work.get():
            case Run(stage):
                channel.send(Ended(stage, await asyncio.to_thread(desks.run, stage)))
            case Withdraw():
                channel.send(Ended("", await asyncio.to_thread(desks.withdraw)))


def _broken(worker: asyncio.Task[None]) -> None:
    log.error("stages cannot be run", exc_info=worker.exception())
    os._exit(1)


def main() -> int:
    """Run stages until the pipe closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="inherited end of the socket pair")
    parser.add_argument("--plan", required=True, help="where stages come from, as module:function")
    options = parser.parse_args()
    die_with_parent()
    go_first_without_memory()
    os.nice(NICENESS)
    settings = settings_of_parent()
    logs.set_up(settings.log_level, settings.log_format)
    asyncio.run(_main(options, settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
