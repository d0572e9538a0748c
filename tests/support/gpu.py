"""Work for the compute thread under test."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.support.clock import ManualClock


class Job:
    """A source of so many steps, each of which lets time pass.

    Args:
        clock: of the test.
        log: takes its name at each step.
        name: likewise.
        due: of its first step.
        cost: of each step.
        period: seconds from one step's due time to the next; infinite due times stay.
        steps: that it has.
        works: runs in each step.
    """

    def __init__(
        self,
        clock: ManualClock,
        log: list[str],
        name: str,
        due: float = math.inf,
        *,
        cost: float = 0.0,
        period: float = 0.0,
        steps: int = 1,
        works: Callable[[], Any] | None = None,
    ) -> None:
        self.name = name
        self.steps, self.errors = steps, list[Exception]()
        self._clock, self._log, self._due, self._cost = clock, log, due, cost
        self._period, self._works = period, works

    def due(self) -> float | None:
        return self._due if self.steps else None

    def cost(self) -> float:
        return self._cost

    def step(self) -> None:
        self._log.append(self.name)
        self.steps -= 1
        self._due += self._period
        self._clock.jump(self._cost)
        if self._works is not None:
            self._works()

    def failed(self, error: Exception) -> None:
        self.errors.append(error)
