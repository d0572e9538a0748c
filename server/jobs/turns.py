"""Who may work: so many at once, and who asked for it first goes first."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class Turns:
    """Places for work, given in the order in which the work was asked for.

    Args:
        places: how many there are.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    async def take(self, asked: float) -> None:
        """Wait for a place; give it back by :meth:`give`.

        Args:
            asked: when the work was asked for.
        """
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (asked, next(self._count), place))
        self._give_out()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """Give a place back."""
        self._free += 1
        self._give_out()

    def _give_out(self) -> None:
        while self._free and self._waiting:
            *_, place = heapq.heappop(self._waiting)
            if not place.done():
                self._free -= 1
                place.set_result(None)
