# pyright: reportMissingImports=false
"""What lies on a device, and taking it off again."""

from __future__ import annotations

from streaming.gpu.budget import MemoryBudget, limit_share, release


def forget(device: str) -> None:
    """Free what nobody holds, lift any limit, and begin to look for the most that is taken anew."""
    release()
    if device.startswith("cuda"):
        import torch

        limit_share(device, 1.0)
        torch.cuda.reset_peak_memory_stats(torch.device(device))


def peak_bytes(device: str) -> int:
    """The most that was reserved since; 0 where nothing counts it."""
    return MemoryBudget(device).report().peak if device.startswith("cuda") else 0
