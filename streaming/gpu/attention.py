# pyright: reportMissingImports=false
"""Which of PyTorch's attention kernels are used.

From 2.11 PyTorch takes cuDNN's first on Hopper cards, and cuDNN plans anew for every length that it has not
seen: some tenths of a second each, and nearly every prompt has a length of its own; each batch size of faces
has eight. Some of its versions fail for heads of more than 128, which faces have. The others run at once.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from torch.nn.attention import SDPBackend, sdpa_kernel

KERNELS = (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)


def unplanned_attention() -> AbstractContextManager[object]:
    """Attention within runs whatever its lengths, without a plan made for them."""
    return sdpa_kernel(list(KERNELS))
