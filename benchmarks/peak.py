"""The most memory that a process takes while something is done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Peak:
    """Resident bytes: before, and the most since; those of processes that it started counted, if wished."""

    before: int
    most: int

    @property
    def extra(self) -> int:
        return self.most - self.before


@contextmanager
def peak_memory(*, children: bool = False) -> Iterator[Peak]:
    """Look every 20 ms; what is shorter is not seen."""
    process, done = psutil.Process(), threading.Event()

    def now() -> int:
        total = 0
        for one in (process, *(process.children(recursive=True) if children else ())):
            with suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
        return total

    first = now()
    peak = Peak(first, first)

    def watch() -> None:
        while not done.wait(LOOK_SECONDS):
            peak.most = max(peak.most, now())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
        peak.most = max(peak.most, now())
