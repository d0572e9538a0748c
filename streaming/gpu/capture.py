# pyright: reportMissingImports=false
"""Steps of constant shapes as CUDA graphs: one launch instead of hundreds.

Capture before serving, and never while another thread uses the device. All that outlives a step has to lie in
buffers of who captures it: then graphs that are never replayed at the same time may share their memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

WARM_UPS = 3
"""Runs before a capture: libraries choose their kernels and allocate their workspaces in them."""

Step = Callable[[], None]


def graph_pool(device: torch.device) -> Any:
    """Memory that graphs share; ``None`` where there are no graphs."""
    return torch.cuda.graph_pool_handle() if device.type == "cuda" else None


def capture(work: Step, device: torch.device, pool: Any) -> Step:
    """Run a step, and capture it.

    Capture the largest step first: the smaller ones then find room in the memory that it took.

    Args:
        work: the step.
        device: that it runs on.
        pool: from :func:`graph_pool`.

    Returns:
        What replays it; the step itself without CUDA.
    """
    if pool is None:
        work()
        return work
    with torch.cuda.device(device):
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            work()
    return graph.replay
