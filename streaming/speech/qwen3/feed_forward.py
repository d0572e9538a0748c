# pyright: reportMissingImports=false, reportUntypedBaseClass=false
"""A feed-forward layer that does not overflow in float16.

Between the two halves of the predictor's feed-forward layers a few channels reach about twice the largest
float16, and one infinity turns every later frame into NaN. A power of two costs no precision: the product
is made 32 times smaller, and what comes out of the last matrix 32 times larger, in float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

GUARD_SCALE = 2.0**-5


def gated(gate: torch.Tensor, up: torch.Tensor, scale: float, zero: torch.Tensor) -> torch.Tensor:
    """``silu(gate) * up * scale`` with the product in float32.

    Args:
        gate: any shape, 16 bits.
        up: as ``gate``.
        scale: a power of two.
        zero: a scalar of that dtype, on that device.

    Returns:
        Shape and dtype of ``gate``.
    """
    # addcmul multiplies in float32 whatever the dtype, in one kernel.
    return torch.addcmul(zero, functional.silu(gate), up, value=scale)


class GuardedFeedForward(torch.nn.Module):
    """Takes the place of ``Qwen3TTSTalkerTextMLP`` in float16.

    Args:
        layer: the layer whose weights it uses.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = layer.gate_proj, layer.up_proj, layer.down_proj

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the layer that it replaces."""
        product = gated(self.gate_proj(x), self.up_proj(x), GUARD_SCALE, x.new_zeros(()))
        return (self.down_proj(product).float() / GUARD_SCALE).to(x.dtype)


def guard_predictor(predictor: Any) -> None:
    """Guard every layer of a code predictor; its weights stay where they are."""
    for layer in predictor.model.layers:
        if not isinstance(layer.mlp, GuardedFeedForward):
            layer.mlp = GuardedFeedForward(layer.mlp)
