# pyright: reportMissingImports=false, reportUntypedBaseClass=false
"""What a frame costs a device: kernels launched, bytes of weights read, and how fast it copies."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from streaming.speech.qwen3.model import CODEBOOKS, Qwen3Model

_COPY_BYTES = {"cuda": 2 << 30, "cpu": 64 << 20}
_COPIES = 20
_FREE = frozenset(
    "view _unsafe_view transpose permute expand unsqueeze squeeze slice select split "
    "split_with_sizes unflatten movedim t detach alias as_strided unbind chunk _reshape_alias empty "
    "empty_like empty_strided lift_fresh _local_scalar_dense narrow".split()
)
"""Operators that only look at memory in another way."""
_FREE_IF_SAME = frozenset(("to", "contiguous", "reshape", "flatten"))
"""Operators that may have nothing to do."""


def weight_bytes_per_frame(model: Qwen3Model) -> int:
    """Bytes of weights that one frame reads: the talker once, the predictor's layers fifteen times.

    The predictor's sixteen positions come in fifteen passes, the first of which has two.
    """

    def size(module: Any) -> int:
        return sum(weight.nbytes for weight in module.parameters())

    talker, predictor = model.talker, model.talker.code_predictor
    passes = CODEBOOKS - 1
    return (
        size(talker.model.layers)
        + size(talker.codec_head)
        + passes * (size(predictor.model.layers) + size(predictor.small_to_mtp_projection))
        + size(predictor.lm_head)
    )


def copy_bandwidth(device: torch.device) -> float:
    """Bytes per second that a device reads and writes while it copies a large block."""
    source = torch.empty(_COPY_BYTES.get(device.type, 64 << 20), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(_COPIES):
        synchronise(device)
        begun = time.perf_counter()
        target.copy_(source)
        synchronise(device)
        best = min(best, time.perf_counter() - begun)
    return 2 * source.nbytes / best


def synchronise(device: torch.device) -> None:
    """Wait until a device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def kernels(work: Callable[[], object], device: torch.device) -> int:
    """Kernels that some work launches: counted on a card, else estimated as operators that compute.

    ``work`` may be done twice.
    """
    # Where nobody may look at the card's counters, none are seen.
    number = _seen_on_card(work, device) if device.type == "cuda" else 0
    if number:
        return number
    with _Operators() as counted:
        work()
    return counted.number


def _seen_on_card(work: Callable[[], object], device: torch.device) -> int:
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        work()
        synchronise(device)
    return sum(
        event.device_type.name == "CUDA" and not event.name.startswith("Memcpy")
        for event in seen.events() or ()
    )


class _Operators(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        result = func(*args, **(kwargs or {}))
        idle = name in _FREE_IF_SAME and result.data_ptr() == args[0].data_ptr()
        self.number += name not in _FREE and not idle
        return result
