# pyright: reportMissingImports=false
"""Where networks run and how precisely.

What may be rounded takes the card's own 16-bit format, which compute capability decides:
``torch.cuda.is_bf16_supported()`` says yes to a T4, where bfloat16 is only emulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streaming.errors import EngineUnavailable

if TYPE_CHECKING:
    import torch

DEVICES = ("cuda", "mps", "cpu")
"""In the order in which they are tried."""
DTYPES = ("float32", "bfloat16", "float16")
BFLOAT16_CAPABILITY = (8, 0)
"""The first compute capability (Ampere) with bfloat16 in hardware."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Device and precision of the networks of one model.

    Attributes:
        device: as torch names it: ``cuda``, ``cuda:1``, ``mps`` or ``cpu``.
        dtype: ``float32``, ``bfloat16`` or ``float16``.
        text_embedding_on_cpu: keeps Qwen3-TTS's table of text tokens (0.62 GB in 16 bits) out of the card's
            memory; a token's row is then copied over when it is needed.
    """

    device: str
    dtype: str
    text_embedding_on_cpu: bool = False

    @property
    def torch_dtype(self) -> torch.dtype:
        """The precision as torch's own object."""
        import torch

        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[self.dtype]


def dtype_for(device: str, capability: tuple[int, int] | None = None) -> str:
    """The precision that a device computes in.

    Args:
        device: as torch names it.
        capability: (major, minor) of a CUDA device.
    """
    if not device.startswith("cuda"):
        return "float32"
    if capability is None or capability >= BFLOAT16_CAPABILITY:
        return "bfloat16"
    return "float16"


def first_device(cuda: bool, mps: bool) -> str:
    """The best of the devices that are there."""
    return "cuda" if cuda else "mps" if mps else "cpu"


def find_placement(
    device: str = "auto", dtype: str = "auto", text_embedding_on_cpu: bool = False
) -> Placement:
    """The placement that settings ask for, on this machine.

    Args:
        device: ``auto``, or as torch names it.
        dtype: ``auto``, or one of :data:`DTYPES`.
        text_embedding_on_cpu: see :class:`Placement`.

    Raises:
        EngineUnavailable: PyTorch or the device is missing, or a name is unknown.
    """
    try:
        import torch
    except ImportError as error:
        raise EngineUnavailable(
            "PyTorch is not installed; lipstream doctor says what installs it for each engine."
        ) from error

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device == "auto":
        device = first_device(cuda, mps)
    kind = device.partition(":")[0]
    if kind not in DEVICES:
        raise EngineUnavailable(
            f"Unknown device '{device}': use auto, {', '.join(DEVICES)} or cuda:<number>."
        )
    if (kind == "cuda" and not cuda) or (kind == "mps" and not mps):
        raise EngineUnavailable(f"This machine has no device '{device}'. Use 'auto' or 'cpu'.")
    if dtype == "auto":
        capability = torch.cuda.get_device_capability(torch.device(device)) if kind == "cuda" else None
        dtype = dtype_for(device, capability)
    if dtype not in DTYPES:
        raise EngineUnavailable(f"Unknown precision '{dtype}': use auto, {', '.join(DTYPES)}.")
    return Placement(device, dtype, text_embedding_on_cpu and kind != "cpu")


def synchronize(device: str) -> None:
    """Wait until a device has done all that it was given."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(torch.device(device))
    elif device.startswith("mps"):
        torch.mps.synchronize()


def device_name(device: str) -> str:
    """A device in words, such as ``Tesla T4``."""
    if not device.startswith("cuda"):
        return device
    import torch

    return torch.cuda.get_device_name(torch.device(device))
