# pyright: reportMissingImports=false
"""Steps of constant shapes as CUDA graphs: one launch instead of hundreds.

Capture before serving, and never while another thread uses the device. All that outlives a step has to lie in
buffers of who captures it: then graphs that are never replayed at the same time may share their memory.

What a matrix product works in belongs to the stream that it is captured on, and goes along with the first
graph that does (https://github.com/pytorch/pytorch/issues/193402); PyTorch itself captures everything on one
stream. So each pool has a stream of its own, and graphs of one pool are to be dropped all at once: models
that are unloaded then leave the graphs of others alone.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

WARM_UPS = 3
"""Runs before a capture: libraries choose their kernels and allocate their workspaces in them."""

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class GraphPool:
    """What the graphs of one model share.

    Attributes:
        handle: of the memory.
        stream: that they are tried and captured on.
    """

    handle: Any
    stream: Any


def graph_pool(device: torch.device) -> GraphPool | None:
    """Memory and stream that graphs share; ``None`` where there are no graphs."""
    if device.type != "cuda":
        return None
    with torch.cuda.device(device):
        return GraphPool(torch.cuda.graph_pool_handle(), torch.cuda.Stream())


def capture(work: Step, device: torch.device, pool: GraphPool | None) -> Step:
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
        stream = pool.stream
        stream.wait_stream(torch.cuda.current_stream())
        # On the same stream: what libraries allocate for it lies outside of the graphs' memory then.
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                work()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with (
            uncollected(),
            torch.cuda.graph(graph, pool=pool.handle, stream=stream, capture_error_mode="thread_local"),
        ):
            work()
    return graph.replay


@contextmanager
def uncollected() -> Generator[None]:
    """Within, Python collects no garbage: an old graph among it would be destroyed, and spoil the new one."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
