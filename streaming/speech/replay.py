"""A text that can be read again from its start, for the engine that takes over from one that failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class ReplayableText:
    """Remembers the pieces of a text until told that nobody will start over.

    One reader at a time. A reader that is cancelled while it waits for a piece does not lose that piece.

    Args:
        source: the pieces, read once.
    """

    def __init__(self, source: AsyncIterator[str]) -> None:
        self._source = source
        self._kept: list[str] = []
        self._keeping = True
        self._waiting: asyncio.Task[str] | None = None

    def forget(self) -> None:
        """Stop remembering: no further reader will come."""
        self._keeping = False
        self._kept.clear()

    async def read(self) -> AsyncIterator[str]:
        """The pieces from the first on, then new ones as they arrive."""
        for piece in list(self._kept):
            yield piece
        while True:
            if self._waiting is None:
                self._waiting = asyncio.ensure_future(self._next())
            try:
                piece = await asyncio.shield(self._waiting)
            except StopAsyncIteration:
                return
            self._waiting = None
            if self._keeping:
                self._kept.append(piece)
            yield piece

    async def aclose(self) -> None:
        """Stop waiting for the next piece."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)
            self._waiting = None

    async def _next(self) -> str:
        return await anext(self._source)
