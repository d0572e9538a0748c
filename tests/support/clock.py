"""A clock that tests own: time passes only when they say so."""

import asyncio
import heapq
import itertools

WALL_START = 1_700_000_000.0


class ManualClock:
    def __init__(self, start: float = 100.0) -> None:
        self._now = start
        self._start = start
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return WALL_START + self._now - self._start

    async def sleep_until(self, when: float) -> None:
        if when <= self._now:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (when, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let time pass, waking each sleeper at its moment and letting it run."""
        end = self._now + seconds
        await settle()
        while self._waiting and self._waiting[0][0] <= end + 1e-9:
            when, _, future = heapq.heappop(self._waiting)
            self._now = max(self._now, when)
            if not future.done():
                future.set_result(None)
            await settle()
        self._now = end
        await settle()

    def jump(self, seconds: float) -> None:
        """Time passes while nobody could run: a stall."""
        self._now += seconds


async def settle(rounds: int = 30) -> None:
    """Let everything that can run, run."""
    for _ in range(rounds):
        await asyncio.sleep(0)
