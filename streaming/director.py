"""Has the performer perform a session's utterances, one after another, and fills them with slots."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import aclosing
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from streaming.errors import LipstreamError
from streaming.performer.base import Performer
from streaming.slots import Notice, Slot
from streaming.utterance import Utterance

log = structlog.get_logger(__name__)


class Shown(NamedTuple):
    """What a session shows at a moment.

    Attributes:
        avatar: its id.
        position: where its loop is; see :class:`streaming.compositor.base.Compositor`.
        queued: slots that are shown before those of the next utterance.
    """

    avatar: str
    position: int
    queued: int


class Director:
    """Works off a queue of utterances.

    Args:
        performer: who performs.
        stage: tells what is shown at the moment.
        wanted: whether an utterance has not been overtaken by an interrupt.
        noticed: told of notices.
    """

    def __init__(
        self,
        performer: Performer,
        stage: Callable[[], Shown],
        wanted: Callable[[Utterance], bool],
        noticed: Callable[[Utterance, Notice], None],
    ) -> None:
        self._performer = performer
        self._stage = stage
        self._wanted = wanted
        self._noticed = noticed
        self._queue: asyncio.Queue[Utterance] = asyncio.Queue()
        self._performing: asyncio.Task[None] | None = None

    def submit(self, entry: Utterance) -> None:
        """Perform ``entry`` after those that wait."""
        self._queue.put_nowait(entry)

    def drop_current(self) -> None:
        """Stop performing what is being performed."""
        if self._performing is not None:
            self._performing.cancel()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            entry = await self._queue.get()
            if not self._wanted(entry):
                continue
            self._performing = asyncio.create_task(self._perform(entry), name=f"perform-{entry.key.session}")
            try:
                await asyncio.wait((self._performing,))
            finally:
                self._performing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._performing
                self._performing = None

    async def _perform(self, entry: Utterance) -> None:
        try:
            shown = self._stage()
            request = replace(entry.request(shown.avatar), position=shown.position, queued=shown.queued)
            async with aclosing(self._performer.perform(request, entry.script())) as items:
                async for item in items:
                    if isinstance(item, Slot):
                        await entry.put(item)
                    else:
                        self._noticed(entry, item)
        except LipstreamError as error:
            entry.error = (error.code, error.message)
        except Exception as error:
            log.exception("performing failed", session=entry.key.session, utterance=entry.name)
            entry.error = (LipstreamError.code, f"Speaking failed ({type(error).__name__}). Try again.")
        finally:
            entry.received()
