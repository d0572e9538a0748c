"""Waits for the next speech and, at the same time, for something that may come before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import structlog

from streaming.clock import Clock
from streaming.speech.base import SpeechChunk

log = structlog.get_logger(__name__)


class Arrivals:
    """The chunks of one utterance, which can be waited for along with other things.

    Args:
        chunks: the speech.
        clock: for moments that are waited for.
    """

    def __init__(self, chunks: AsyncGenerator[SpeechChunk, None], clock: Clock) -> None:
        self._chunks = chunks
        self._clock = clock
        self._next: asyncio.Task[SpeechChunk | None] | None = None
        self.ended = False

    async def take(self) -> SpeechChunk | None:
        """The next chunk; ``None`` at the end, from then on."""
        if self._next is None:
            # The usual case: nothing else is waited for, so no task is needed.
            return await self._pull()
        pulled = await asyncio.shield(self._next)
        self._next = None
        return pulled

    async def take_or(
        self, other: asyncio.Future[Any], until: float | None = None, *, speech: bool = True
    ) -> SpeechChunk | None:
        """The next chunk if it comes first; ``None`` as soon as ``other`` is done, or ``until`` has come.

        Args:
            other: is not cancelled here.
            until: monotonic second.
            speech: whether a chunk is wanted at all.
        """
        waiting: set[asyncio.Future[Any]] = {other}
        if speech and not self.ended:
            self._next = self._next or asyncio.ensure_future(self._pull())
            waiting.add(self._next)
        alarm = None if until is None else asyncio.ensure_future(self._clock.sleep_until(until))
        if alarm is not None:
            waiting.add(alarm)
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if alarm is not None:
                alarm.cancel()
        if other.done() or self._next is None or not self._next.done():
            return None
        pulled, self._next = self._next.result(), None
        return pulled

    async def aclose(self) -> None:
        """Stop the speech; idempotent."""
        if self._next is not None:
            self._next.cancel()
            try:
                with suppress(asyncio.CancelledError):
                    await self._next
            except Exception as error:
                # Nobody listens any more who could be told.
                log.warning("speech failed while it was stopped", reason=str(error) or type(error).__name__)
            self._next = None
        self.ended = True
        await self._chunks.aclose()

    async def _pull(self) -> SpeechChunk | None:
        if self.ended:
            return None
        chunk = await anext(self._chunks, None)
        self.ended = chunk is None
        return chunk
