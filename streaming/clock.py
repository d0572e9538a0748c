"""The session's clock: the only source of time on the live line, so that tests can own it."""

import asyncio
import math
import time
from typing import Protocol

from streaming.timing import SLOT_SECONDS


class Clock(Protocol):
    """A monotonic time source in seconds that can be waited on."""

    def now(self) -> float:
        """Monotonic seconds; the zero point means nothing."""
        ...

    def wall(self) -> float:
        """Unix time in seconds at this moment (for NTP stamps and for people)."""
        ...

    async def sleep_until(self, when: float) -> None:
        """Return once ``now() >= when``; at once when that has passed."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Unix time in seconds."""
        return time.time()

    async def sleep_until(self, when: float) -> None:
        """Sleep on the event loop until ``when``."""
        delay = when - time.monotonic()
        if delay > 0:
            await asyncio.sleep(delay)


class SlotClock:
    """Maps slot indices to time. Slot 0 is due at ``epoch``; presentation times follow from the index alone.

    Args:
        clock: where time comes from.
        epoch: monotonic second at which slot 0 is due; now, when not given.
    """

    def __init__(self, clock: Clock, epoch: float | None = None) -> None:
        self.clock = clock
        self.epoch = clock.now() if epoch is None else epoch
        self.wall_epoch = clock.wall() + (self.epoch - clock.now())

    def deadline(self, index: int) -> float:
        """Monotonic second at which slot ``index`` is sent."""
        return self.epoch + index * SLOT_SECONDS

    def wall_deadline(self, index: int) -> float:
        """Unix second at which slot ``index`` is sent."""
        return self.wall_epoch + index * SLOT_SECONDS

    def next_index(self, lead: float = 0.0) -> int:
        """The first slot whose deadline is still at least ``lead`` seconds away."""
        return max(0, math.ceil((self.clock.now() + lead - self.epoch) / SLOT_SECONDS - 1e-9))
