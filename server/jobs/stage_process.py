"""The process in which a job's stages run, seen from the jobs process: it can be killed at any time."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from server.jobs.records import StepEnd
from server.jobs.stage_messages import Ended, FromStages, Open, Run, Told, ToStages, Withdraw
from server.settings_environment import NO_SECRETS
from streaming.children import kill, spawn
from streaming.performer.wire import Channel

COMMAND = (sys.executable, "-m", "server.jobs.stage_child")


class StagesDied(Exception):
    """The process ended before its stage did."""


class StageProcess:
    """One process for one job, started when the first stage is to run.

    Args:
        folder: the job's.
        order: of the job, as JSON.
        plan: where stages come from, as ``module:function``.
        told: hears how far stages are.
        command: how to start it, without its arguments.
    """

    def __init__(
        self,
        folder: Path,
        order: str,
        plan: str,
        told: Callable[[Told], None],
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self._folder = folder
        self._order = order
        self._command = (*command, "--plan", plan)
        self._told = told
        self._process: asyncio.subprocess.Process | None = None
        self._channel: Channel[FromStages] | None = None
        self._killed = False

    async def run(self, stage: str) -> StepEnd:
        """Do a stage.

        Raises:
            StagesDied: the process ended, or was killed; the next call starts another one.
        """
        return await self._ask(Run(stage))

    async def withdraw(self) -> StepEnd:
        """Take the job's avatar out of the store, if it is there.

        Raises:
            StagesDied: the process ended.
        """
        return await self._ask(Withdraw())

    async def _ask(self, message: ToStages) -> StepEnd:
        if self._killed:
            raise StagesDied
        try:
            if self._channel is None:
                self._channel = await self._start()
            self._channel.send(message)
            async for heard in self._channel.messages():
                if isinstance(heard, Ended):
                    return heard.end
                self._told(heard)
        except (OSError, msgspec.DecodeError) as error:
            await self._end()
            raise StagesDied from error
        except asyncio.CancelledError:
            await self._end()
            raise
        await self._end()
        raise StagesDied

    def kill(self) -> None:
        """End it at once, and for good; what waits for a stage gets :class:`StagesDied`."""
        self._killed = True
        if self._process is not None:
            kill(self._process)

    async def close(self) -> None:
        """End it, and wait until it is gone."""
        self.kill()
        await self._end()

    async def _start(self) -> Channel[FromStages]:
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            command = (*self._command, "--fd", str(theirs.fileno()))
            self._process = await spawn(command, theirs, NO_SECRETS)
        channel: Channel[FromStages] = Channel(reader, writer, FromStages)
        if self._killed:
            self.kill()
        channel.send(Open(str(self._folder), self._order))
        return channel

    async def _end(self) -> None:
        process, self._process = self._process, None
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.abort()
        if process is not None:
            kill(process)
            await process.wait()
