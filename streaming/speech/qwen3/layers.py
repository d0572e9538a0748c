# pyright: reportMissingImports=false
"""What a decoder layer computes around its attention, as two functions that a compiler may take over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from streaming.speech.qwen3.feed_forward import GUARD_SCALE, gated


@dataclass(frozen=True, slots=True)
class Shape:
    """What all layers of a stack share.

    Attributes:
        heads: of the query.
        kv_heads: of keys and values.
        size: of a head.
        eps: of the norms.
        dtype: that matrices are multiplied in.
        residual: that is added up in: float32 for float16.
    """

    heads: int
    kv_heads: int
    size: int
    eps: float
    dtype: torch.dtype
    residual: torch.dtype

    @property
    def guarded(self) -> bool:
        """Whether products may leave what the format can hold."""
        return self.dtype is torch.float16


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights of one layer; query, key and value, and gate and up, lie below each other."""

    input_norm: torch.Tensor
    qkv: torch.Tensor
    head_norms: torch.Tensor
    out: torch.Tensor
    inner_norm: torch.Tensor
    gate_up: torch.Tensor
    down: torch.Tensor

    @classmethod
    def of(cls, layer: Any, shape: Shape) -> Layer:
        """Take over the weights of one of the package's layers."""
        attention, inner = layer.self_attn, layer.mlp
        return cls(
            layer.input_layernorm.weight.detach().to(shape.residual),
            fused((attention.q_proj, attention.k_proj, attention.v_proj)),
            torch.cat(
                (
                    attention.q_norm.weight.detach().expand(shape.heads, -1),
                    attention.k_norm.weight.detach().expand(shape.kv_heads, -1),
                )
            ),
            attention.o_proj.weight.detach(),
            layer.post_attention_layernorm.weight.detach().to(shape.residual),
            fused((inner.gate_proj, inner.up_proj)),
            inner.down_proj.weight.detach(),
        )


def fused(modules: Sequence[Any]) -> torch.Tensor:
    """Weights of linear layers below each other; the layers then share that memory."""
    first, rows = modules[0].weight.detach(), [module.weight.shape[0] for module in modules]
    if _adjoining([module.weight for module in modules]):
        return first.as_strided((sum(rows), first.shape[1]), first.stride(), first.storage_offset())
    whole = torch.cat([module.weight.detach() for module in modules])
    for module, part in zip(modules, whole.split(rows), strict=True):
        module.weight = torch.nn.Parameter(part, requires_grad=False)
    del first
    if whole.is_cuda:
        # The parts are too small for the next whole; kept, they would hold two thirds of the weights twice.
        torch.cuda.empty_cache()
    return whole


def _adjoining(weights: Sequence[torch.Tensor]) -> bool:
    """Whether they lie behind each other in one piece of memory."""
    storage, end = weights[0].untyped_storage().data_ptr(), weights[0].data_ptr()
    for weight in weights:
        if weight.data_ptr() != end or weight.untyped_storage().data_ptr() != storage:
            return False
        if not weight.is_contiguous():
            return False
        end += weight.nbytes
    return True


def norm(residual: torch.Tensor, weight: torch.Tensor, shape: Shape) -> torch.Tensor:
    """Root-mean-square norm of the residual, in the format that matrices are multiplied in."""
    return functional.rms_norm(residual, residual.shape[-1:], weight, shape.eps).to(shape.dtype)


def project(
    residual: torch.Tensor,
    layer: Layer,
    cos: torch.Tensor,
    sin: torch.Tensor,
    batch: int,
    shape: Shape,
) -> torch.Tensor:
    """Queries, keys and values with the positions turned in.

    Args:
        residual: (b * n, D).
        layer: its weights.
        cos: of the positions, (b or 1, n, 1, size).
        sin: likewise, negative in the first half.
        batch: b.
        shape: of the stack.

    Returns:
        (b, n, heads of all three, size).
    """
    rows = functional.linear(norm(residual, layer.input_norm, shape), layer.qkv)
    rows = rows.view(batch, -1, shape.heads + 2 * shape.kv_heads, shape.size)
    turned = rows[:, :, : shape.heads + shape.kv_heads]
    normed = functional.rms_norm(turned, (shape.size,), None, shape.eps) * layer.head_norms
    swapped = normed.roll(shape.size // 2, -1)
    if torch.compiler.is_compiling():
        # The compiler takes no such output, and makes one kernel of it anyway.
        turned.copy_(normed * cos + swapped * sin)
    else:
        torch.addcmul(normed * cos, swapped, sin, out=turned)
    return rows


def finish(
    residual: torch.Tensor, mixed: torch.Tensor, layer: Layer, zero: torch.Tensor, shape: Shape
) -> None:
    """Add what attention and feed-forward give to the residual.

    Args:
        residual: (b * n, D), changed in place.
        mixed: what attention gave, (b * n, heads * size).
        layer: its weights.
        zero: a scalar of the stack's dtype.
        shape: of the stack.
    """
    if shape.guarded:
        residual.add_(functional.linear(mixed, layer.out))
    else:
        residual.addmm_(mixed, layer.out.t())
    rows = functional.linear(norm(residual, layer.inner_norm, shape), layer.gate_up)
    gate, up = rows.chunk(2, -1)
    if shape.guarded:
        product = functional.linear(gated(gate, up, GUARD_SCALE, zero), layer.down)
        residual.add_(product, alpha=1 / GUARD_SCALE)
    else:
        residual.addmm_(functional.silu(gate).mul_(up), layer.down.t())
