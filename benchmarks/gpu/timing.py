# pyright: reportMissingImports=false
"""How long steps take on a device."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from streaming.gpu.placement import synchronize


class Timer:
    """Times steps, with all that the device has to do for them.

    Args:
        device: as torch names it.
        repeats: of each step; their median counts.
    """

    def __init__(self, device: str, repeats: int) -> None:
        self._device, self._repeats = device, repeats

    def seconds(self, step: Callable[[], object], warm_ups: int = 2) -> float:
        """Of one run."""
        for _ in range(warm_ups):
            step()
        return statistics.median(self.once(step) for _ in range(self._repeats))

    def once(self, step: Callable[[], object]) -> float:
        """Of this run."""
        synchronize(self._device)
        began = time.perf_counter()
        step()
        synchronize(self._device)
        return time.perf_counter() - began
