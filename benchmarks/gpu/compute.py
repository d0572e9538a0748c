"""The compute thread with a watch on it: which model's steps took how long."""

from __future__ import annotations

from collections import Counter, defaultdict

from streaming.clock import Clock
from streaming.gpu.compute import ComputeThread
from streaming.gpu.work import Work


class WatchedCompute(ComputeThread):
    """Adds up the seconds that each model's steps take.

    Attributes:
        busy: seconds by the first word of the work's name, the engine's; written on the thread alone.
        steps: their number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.busy: dict[str, float] = defaultdict(float)
        self.steps: Counter[str] = Counter()
        self._watched: dict[int, Work] = {}

    def add(self, work: Work) -> None:
        """Step this from now on."""
        watched = self._watched[id(work)] = _Watched(work, self.clock, self.busy, self.steps)
        super().add(watched)

    def remove(self, work: Work) -> None:
        """Step this no more."""
        super().remove(self._watched.pop(id(work), work))


class _Watched:
    def __init__(self, work: Work, clock: Clock, busy: dict[str, float], steps: Counter[str]) -> None:
        self.name = work.name
        self._engine = work.name.partition(" ")[0]
        self.due, self.cost, self.failed = work.due, work.cost, work.failed
        self._work, self._clock, self._busy, self._steps = work, clock, busy, steps

    def step(self) -> None:
        began = self._clock.now()
        try:
            self._work.step()
        finally:
            self._busy[self._engine] += self._clock.now() - began
            self._steps[self._engine] += 1
