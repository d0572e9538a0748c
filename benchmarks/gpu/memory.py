# pyright: reportMissingImports=false
"""What lies on a device, and taking it off again."""

from __future__ import annotations

from streaming.gpu.budget import MemoryBudget, release


def forget(device: str) -> None:
    """Free what nobody holds, lift any limit, and begin to look for the most that is taken anew."""
    release()
    if device.startswith("cuda"):
        import torch

        place = torch.device(device)
        torch.cuda.set_per_process_memory_fraction(1.0, place)
        torch.cuda.reset_peak_memory_stats(place)


def peak_bytes(device: str) -> int:
    """The most that was reserved since; 0 where nothing counts it."""
    return MemoryBudget(device).report().peak if device.startswith("cuda") else 0
