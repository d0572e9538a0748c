# pyright: reportMissingImports=false
"""How much of the card's memory the models may take: a limit that the allocator keeps, and a report."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

import msgspec

from streaming.errors import EngineUnavailable

GB = 2**30
DEFAULT_GB = 14.0
"""A T4 has 14.6 to its programs."""
LEAST_GB = 1.0
CONTEXT_GB = 0.6
"""What CUDA itself takes for a process beside the allocator: context, kernels, libraries' handles."""
_EXHAUSTED = ("out of memory", "alloc_failed", "can't allocate memory", "not enough memory")
"""How libraries below PyTorch say it, in lower case."""


class MemoryReport(msgspec.Struct, frozen=True, kw_only=True):
    """Memory that the models take, in bytes.

    Attributes:
        device: as torch names it.
        allocated: in tensors now; on a CPU all of the process.
        reserved: taken from the card now, in use or kept for reuse.
        peak: the most that was ever reserved.
        working: the most that was reserved since :meth:`MemoryBudget.settle`, which models need to run; 0
            where there is no limit.
        budget: what may be reserved; 0: there is no limit.
        enforced: whether the allocator keeps to it.
    """

    device: str
    allocated: int
    reserved: int
    peak: int
    budget: int
    enforced: bool
    working: int = 0

    @property
    def text(self) -> str:
        """One line for people."""
        if not self.enforced:
            return (
                f"{self.allocated / GB:.1f} GB of memory on {self.device}, at most {self.peak / GB:.1f}; "
                "there is no limit on this device"
            )
        return (
            f"{self.allocated / GB:.1f} GB of {self.budget / GB:.1f} on {self.device}, "
            f"{self.reserved / GB:.1f} reserved, at most {self.peak / GB:.1f}"
        )


class MemoryBudget:
    """Keeps the models of this process within a part of the card.

    Args:
        device: as torch names it, such as ``cuda:0``; ``auto`` is not resolved here.
        gigabytes: what they may take (of 2**30 bytes); what the card has bounds it.

    Raises:
        EngineUnavailable: the number makes no sense.
    """

    def __init__(self, device: str, gigabytes: float = DEFAULT_GB) -> None:
        if not gigabytes >= LEAST_GB:
            raise EngineUnavailable(
                f"A budget of {gigabytes:g} GB holds no model. Set LIPSTREAM_GPU_MEMORY_GB to "
                f"{LEAST_GB:g} or more."
            )
        self.device = device
        self._wanted = gigabytes
        self._bytes = 0
        self._highest = 0

    @property
    def enforced(self) -> bool:
        """Whether the allocator keeps to it: once :meth:`enforce` has been called, on CUDA."""
        return self._bytes > 0

    def enforce(self) -> None:
        """Set the limit; before anything is loaded. On other devices than CUDA there is none."""
        if not self.device.startswith("cuda"):
            return
        import torch

        total = torch.cuda.get_device_properties(torch.device(self.device)).total_memory
        self._bytes = within_card(self._wanted, total)
        limit_share(self.device, self._bytes / total)

    def settle(self) -> None:
        """Everything is loaded: give back what only that took, and see from now on what running takes.

        Searching for the quickest kernels takes gigabytes for a moment.
        """
        release()
        if not self.device.startswith("cuda"):
            return
        import torch

        place = torch.device(self.device)
        self._highest = max(self._highest, torch.cuda.max_memory_reserved(place))
        torch.cuda.reset_peak_memory_stats(place)

    def report(self) -> MemoryReport:
        """What is taken now."""
        if not self.device.startswith("cuda"):
            peak = peak_process_bytes()
            now = process_bytes() or peak
            return MemoryReport(
                device=self.device, allocated=now, reserved=now, peak=peak, budget=0, enforced=False
            )
        import torch

        place = torch.device(self.device)
        working = torch.cuda.max_memory_reserved(place)
        return MemoryReport(
            device=self.device,
            allocated=torch.cuda.memory_allocated(place),
            reserved=torch.cuda.memory_reserved(place),
            peak=max(self._highest, working),
            budget=self._bytes,
            enforced=self.enforced,
            working=working,
        )


def limit_share(device: str, share: float) -> None:
    """Let this process reserve no more than a share of a card's memory, 0..1.

    Args:
        device: as torch names it, ``cuda`` or ``cuda:1``.
        share: 1 lifts the limit.
    """
    import torch

    # Unlike its neighbours this function takes no device without a number.
    number = torch.device(device).index
    torch.cuda.set_per_process_memory_fraction(
        float(share), torch.cuda.current_device() if number is None else number
    )


def within_card(gigabytes: float, total: int) -> int:
    """Bytes of a budget on a card that has ``total``, some of which CUDA itself needs."""
    return max(round(min(gigabytes * GB, total - CONTEXT_GB * GB)), 0)


def process_bytes() -> int:
    """Resident memory of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0


def peak_process_bytes() -> int:
    """The most memory that this process ever had resident."""
    # ru_maxrss counts kilobytes on Linux and bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was missing, whoever noticed: PyTorch, a library below it, or Python."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if isinstance(current, MemoryError):
            return True
        if any(kind.__name__ == "OutOfMemoryError" for kind in type(current).__mro__):
            return True
        if isinstance(current, RuntimeError) and any(sign in str(current).lower() for sign in _EXHAUSTED):
            return True
        current = current.__cause__ or current.__context__
    return False


def release() -> None:
    """Give back memory that nobody uses: after a failure, before a second attempt; after unloading."""
    gc.collect()
    # Where nothing has imported PyTorch, it holds nothing either.
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
