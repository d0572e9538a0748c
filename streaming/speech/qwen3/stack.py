# pyright: reportMissingImports=false
"""The layers of talker and predictor over a cache of fixed size, with few and constant operators.

Same weights and same arithmetic as the package's layers, but: the cache is allocated once, with a part for
each session; query, key and value, and the two halves of the feed-forward, are one matrix each; groups of
query heads share keys without copying them; the residual is added by the matrix product itself. A frame of
the package is about 6900 kernels, one of these fewer than 2000, and none depends on how far a session has
come, which is what a CUDA graph asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from streaming.speech.qwen3.feed_forward import GUARD_SCALE, gated


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights of one layer."""

    input_norm: torch.Tensor
    qkv: torch.Tensor
    head_norms: torch.Tensor
    out: torch.Tensor
    inner_norm: torch.Tensor
    gate_up: torch.Tensor
    down: torch.Tensor


def fused(modules: Sequence[Any]) -> torch.Tensor:
    """Weights of linear layers below each other; the layers then share that memory."""
    weights = [module.weight for module in modules]
    first = weights[0]
    end = first.data_ptr()
    adjoining = True
    for weight in weights:
        adjoining &= weight.data_ptr() == end and weight.is_contiguous()
        adjoining &= weight.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        end = weight.data_ptr() + weight.nbytes
    rows = [weight.shape[0] for weight in weights]
    if adjoining:
        return first.as_strided((sum(rows), first.shape[1]), first.stride(), first.storage_offset())
    whole = torch.cat([weight.data for weight in weights])
    for module, part in zip(modules, whole.split(rows), strict=True):
        module.weight = torch.nn.Parameter(part, requires_grad=False)
    return whole


class Stack:
    """A Qwen3 decoder stack.

    In float16 the residual and the norms are float32, and the feed-forward is guarded (see
    :mod:`streaming.speech.qwen3.feed_forward`).

    Args:
        network: the package's model: ``layers``, ``norm``, ``rotary_emb``.
        config: its shapes.
        slots: sessions.
        context: positions for each of them.
    """

    def __init__(self, network: Any, config: Any, slots: int, context: int) -> None:
        weight = network.norm.weight
        device, self._dtype = weight.device, weight.dtype
        self.context = context
        self._guarded = self._dtype is torch.float16
        self._residual = torch.float32 if self._guarded else self._dtype
        self._eps = network.norm.variance_epsilon
        self._heads, self._kv_heads = config.num_attention_heads, config.num_key_value_heads
        self._size = getattr(config, "head_dim", None) or config.hidden_size // self._heads
        self._layers = [self._take(layer) for layer in network.layers]
        self._norm_weight = weight.to(self._residual)
        # All three axes of the talker's positions are the same for speech, which makes them plain ones.
        angles = torch.arange(context, device=device).float()[:, None] * network.rotary_emb.inv_freq.float()
        cos, sin = angles.cos(), angles.sin()
        self._cos = torch.cat((cos, cos), -1).to(self._dtype)
        # The halves change places, and the one that comes first changes its sign.
        self._sin = torch.cat((-sin, sin), -1).to(self._dtype)
        self._positions = torch.arange(context, device=device)
        self._none = torch.zeros((), device=device, dtype=self._dtype)
        self._hidden_mask = torch.full((), -torch.inf, device=device, dtype=self._dtype)
        self._cache = torch.zeros(
            len(self._layers),
            slots,
            2 * self._kv_heads,
            context,
            self._size,
            device=device,
            dtype=self._dtype,
        )

    def clear(self, slot: int) -> None:
        """Forget a session, whatever it left behind (a NaN would spread through masked positions too)."""
        self._cache[:, slot] = 0

    def prefill(self, x: torch.Tensor, slot: int) -> torch.Tensor:
        """Run a prompt (n, D) through from position 0; the last hidden state, (D,)."""
        steps = x.shape[0]
        return self._run(x[None], self._cache[:, slot : slot + 1], 0, self._cos[:steps], self._sin[:steps])[0]

    def at(self, x: torch.Tensor, position: int) -> torch.Tensor:
        """Run (b, n, D) of the first b sessions through, all at one position; the last states, (b, D)."""
        stop = position + x.shape[1]
        return self._run(
            x, self._cache[:, : x.shape[0]], position, self._cos[position:stop], self._sin[position:stop]
        )

    def step(self, x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Run one state of each of the first b sessions through.

        Args:
            x: (b, D).
            positions: (b,) int64, each session's own.

        Returns:
            (b, D).
        """
        batch = x.shape[0]
        cos, sin = self._cos[positions][:, None, None], self._sin[positions][:, None, None]
        mask = torch.where(self._positions <= positions[:, None], self._none, self._hidden_mask)[
            :, None, None
        ]
        index = positions.view(batch, 1, 1, 1).expand(-1, 2 * self._kv_heads, -1, self._size)
        residual = x.to(self._residual, copy=True)
        for layer, cache in zip(self._layers, self._cache[:, :batch], strict=True):
            qkv = self._project(residual, layer, cos, sin, batch)
            cache.scatter_(2, index, qkv[:, :, self._heads :].transpose(1, 2))
            keys, values = cache.split(self._kv_heads, 1)
            # The query heads of a group take the place of positions: keys are shared, not repeated.
            query = qkv[:, 0, : self._heads].reshape(batch, self._kv_heads, -1, self._size)
            mixed = functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
            self._finish(residual, layer, mixed.reshape(batch, -1))
        return self._norm(residual, self._norm_weight)

    def _run(
        self, x: torch.Tensor, cache: torch.Tensor, start: int, cos: torch.Tensor, sin: torch.Tensor
    ) -> torch.Tensor:
        """Run (b, n, D) at positions known beforehand, start .. start + n; the last states (b, D)."""
        batch, steps = x.shape[:2]
        stop = start + steps
        cos, sin = cos[:, None], sin[:, None]
        residual = x.to(self._residual, copy=True).view(batch * steps, -1)
        for layer, past in zip(self._layers, cache, strict=True):
            qkv = self._project(residual, layer, cos, sin, batch)
            past[:, :, start:stop] = qkv[:, :, self._heads :].transpose(1, 2)
            keys, values = past[:, :, :stop].split(self._kv_heads, 1)
            if steps == 1:
                query = qkv[:, 0, : self._heads].reshape(batch, self._kv_heads, -1, self._size)
                mixed = functional.scaled_dot_product_attention(query, keys, values)
            else:
                # Causal from the first position on: several steps only ever come at the beginning.
                query = qkv[:, :, : self._heads].transpose(1, 2)
                mixed = functional.scaled_dot_product_attention(
                    query, keys, values, is_causal=True, enable_gqa=True
                ).transpose(1, 2)
            self._finish(residual, layer, mixed.reshape(batch * steps, -1))
        return self._norm(residual.view(batch, steps, -1)[:, -1], self._norm_weight)

    def _project(
        self, residual: torch.Tensor, layer: _Layer, cos: torch.Tensor, sin: torch.Tensor, batch: int
    ) -> torch.Tensor:
        """Queries, keys and values, (b, n, heads of all three, D), positions turned in."""
        rows = functional.linear(self._norm(residual, layer.input_norm), layer.qkv)
        rows = rows.view(batch, -1, self._heads + 2 * self._kv_heads, self._size)
        turned = rows[:, :, : self._heads + self._kv_heads]
        normed = functional.rms_norm(turned, (self._size,), None, self._eps) * layer.head_norms
        torch.addcmul(normed * cos, normed.roll(self._size // 2, -1), sin, out=turned)
        return rows

    def _finish(self, residual: torch.Tensor, layer: _Layer, mixed: torch.Tensor) -> None:
        """Add what attention and feed-forward give to the residual, (b * n, D)."""
        if self._guarded:
            residual.add_(functional.linear(mixed, layer.out))
        else:
            residual.addmm_(mixed, layer.out.t())
        gate, up = functional.linear(self._norm(residual, layer.inner_norm), layer.gate_up).chunk(2, -1)
        if self._guarded:
            product = functional.linear(gated(gate, up, GUARD_SCALE, self._none), layer.down)
            residual.add_(product, alpha=1 / GUARD_SCALE)
        else:
            residual.addmm_(functional.silu(gate).mul_(up), layer.down.t())

    def _norm(self, residual: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(residual, residual.shape[-1:], weight, self._eps).to(self._dtype)

    def _take(self, layer: Any) -> _Layer:
        attention, inner = layer.self_attn, layer.mlp
        return _Layer(
            layer.input_layernorm.weight.to(self._residual),
            fused((attention.q_proj, attention.k_proj, attention.v_proj)),
            torch.cat(
                (
                    attention.q_norm.weight.expand(self._heads, -1),
                    attention.k_norm.weight.expand(self._kv_heads, -1),
                )
            ),
            attention.o_proj.weight,
            layer.post_attention_layernorm.weight.to(self._residual),
            fused((inner.gate_proj, inner.up_proj)),
            inner.down_proj.weight,
        )
