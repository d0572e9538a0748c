"""The seam of everything that computes on a card: one model's steps, and when each is wanted."""

from __future__ import annotations

import math
from typing import Protocol

AT_ONCE = -math.inf
"""A due time for what takes next to no time and keeps others from being right, such as a cancellation."""


class Work(Protocol):
    """One source of steps. All of it is called on the compute thread alone."""

    @property
    def name(self) -> str:
        """For the log."""
        ...

    def due(self) -> float | None:
        """Monotonic second by which its next step is wanted.

        Infinite when nobody waits for it, :data:`AT_ONCE` for what takes next to no time, ``None`` when there
        is nothing to do. A step may be asked for long before it is due.
        """
        ...

    def cost(self) -> float:
        """Seconds that its next step is expected to take; asked for only while there is one."""
        ...

    def step(self) -> None:
        """Make the next step. It should take no longer than a slot or three: nothing interrupts it."""
        ...

    def failed(self, error: Exception) -> None:
        """One of its own calls raised this. It tells who waits, and drops what cannot go on."""
        ...


class RunningMean:
    """What a step has cost lately.

    Args:
        seconds: what it costs as long as none has been measured.
    """

    WEIGHT = 0.2
    """Of the newest step: some ten steps decide."""

    def __init__(self, seconds: float) -> None:
        self._value, self._measured = seconds, False

    @property
    def value(self) -> float:
        """Seconds."""
        return self._value

    def add(self, seconds: float) -> None:
        """A step took that long."""
        weight = self.WEIGHT if self._measured else 1.0
        self._value += weight * (seconds - self._value)
        self._measured = True
