# pyright: reportMissingImports=false
"""The layers of talker and predictor over a cache of fixed size, with few and constant operators.

Same weights and same arithmetic as the package's layers, but: the cache is allocated once, with a part for
each session; query, key and value, and the two halves of the feed-forward, are one matrix each; groups of
query heads share keys without copying them; the residual is added by the matrix product itself. A frame of
the package is about 6900 kernels, one of these fewer than 2000, and none depends on how far a session has
come, which is what a CUDA graph asks for.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from streaming.speech.qwen3.layers import Layer, Shape, finish, norm, project


class Stack:
    """A Qwen3 decoder stack.

    In float16 the residual and the norms are float32, and the feed-forward is guarded (see
    :mod:`streaming.speech.qwen3.feed_forward`).

    Args:
        network: the package's model: ``layers``, ``norm``, ``rotary_emb``.
        config: its shapes.
        slots: sessions.
        context: positions for each of them.
        compiled: let torch's compiler fuse what stands between the matrix products. Prompts, whose lengths
            differ, are run as they are.
    """

    def __init__(self, network: Any, config: Any, slots: int, context: int, compiled: bool = False) -> None:
        weight = network.norm.weight.detach()
        device, dtype = weight.device, weight.dtype
        self._shape = shape = Shape(
            config.num_attention_heads,
            config.num_key_value_heads,
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
            network.norm.variance_epsilon,
            dtype,
            torch.float32 if dtype is torch.float16 else dtype,
        )
        self._layers = [Layer.of(layer, shape) for layer in network.layers]
        self._norm_weight = weight.to(shape.residual)
        # All three axes of the talker's positions are the same for speech, which makes them plain ones.
        angles = torch.arange(context, device=device).float()[:, None] * network.rotary_emb.inv_freq.float()
        cos, sin = angles.cos(), angles.sin()
        self._cos = torch.cat((cos, cos), -1).to(dtype)
        # The halves change places, and the one that comes first changes its sign.
        self._sin = torch.cat((-sin, sin), -1).to(dtype)
        self._positions = torch.arange(context, device=device)
        self._zero = torch.zeros((), device=device, dtype=dtype)
        self._hidden_mask = torch.full((), -torch.inf, device=device, dtype=dtype)
        # Keys of all heads, then values of all heads.
        self._cache = torch.zeros(
            len(self._layers), slots, 2 * shape.kv_heads, context, shape.size, device=device, dtype=dtype
        )
        self._project, self._finish = project, finish
        if compiled:
            self._project = torch.compile(project, fullgraph=True, dynamic=False)
            self._finish = torch.compile(finish, fullgraph=True, dynamic=False)

    def clear(self, slot: int) -> None:
        """Forget a session, whatever it left behind (a NaN would spread through masked positions too)."""
        self._cache[:, slot] = 0

    def prefill(self, x: torch.Tensor, slot: int) -> torch.Tensor:
        """Run a prompt (n, D) through from position 0; the last hidden state, (D,)."""
        shape, steps = self._shape, x.shape[0]
        cos, sin = self._cos[:steps, None], self._sin[:steps, None]
        residual = x.to(shape.residual, copy=True)
        for layer, cache in zip(self._layers, self._cache[:, slot : slot + 1], strict=True):
            rows = project(residual, layer, cos, sin, 1, shape)
            finish(residual, self._attend(rows, cache, 0), layer, self._zero, shape)
        return norm(residual[-1], self._norm_weight, shape)

    def at(self, x: torch.Tensor, position: int) -> torch.Tensor:
        """Run (b, n, D) of the first b sessions through, all at one position; the last states, (b, D)."""
        shape = self._shape
        batch, steps = x.shape[:2]
        stop = position + steps
        cos, sin = self._cos[position:stop, None], self._sin[position:stop, None]
        residual = x.to(shape.residual, copy=True).view(batch * steps, -1)
        for layer, cache in zip(self._layers, self._cache[:, :batch], strict=True):
            rows = self._project(residual, layer, cos, sin, batch, shape)
            self._finish(residual, self._attend(rows, cache, position), layer, self._zero, shape)
        return norm(residual.view(batch, steps, -1)[:, -1], self._norm_weight, shape)

    def step(self, x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Run one state of each of the first b sessions through.

        Args:
            x: (b, D).
            positions: (b,) int64, each session's own.

        Returns:
            (b, D).
        """
        shape, batch = self._shape, x.shape[0]
        cos, sin = self._cos[positions][:, None, None], self._sin[positions][:, None, None]
        mask = torch.where(self._positions <= positions[:, None], self._zero, self._hidden_mask)
        mask = mask[:, None, None]
        index = positions.view(batch, 1, 1, 1).expand(-1, 2 * shape.kv_heads, -1, shape.size)
        residual = x.to(shape.residual, copy=True)
        for layer, cache in zip(self._layers, self._cache[:, :batch], strict=True):
            rows = self._project(residual, layer, cos, sin, batch, shape)
            cache.scatter_(2, index, rows[:, :, shape.heads :].transpose(1, 2))
            keys, values = cache.split(shape.kv_heads, 1)
            mixed = functional.scaled_dot_product_attention(self._grouped(rows), keys, values, attn_mask=mask)
            self._finish(residual, mixed.reshape(batch, -1), layer, self._zero, shape)
        return norm(residual, self._norm_weight, shape)

    def _attend(self, rows: torch.Tensor, cache: torch.Tensor, start: int) -> torch.Tensor:
        """Attention of (b, n, all heads, size) at positions start .. start + n; (b * n, heads * size)."""
        shape = self._shape
        batch, steps = rows.shape[:2]
        stop = start + steps
        cache[:, :, start:stop] = rows[:, :, shape.heads :].transpose(1, 2)
        keys, values = cache[:, :, :stop].split(shape.kv_heads, 1)
        if steps == 1:
            mixed = functional.scaled_dot_product_attention(self._grouped(rows), keys, values)
        else:
            # Causal from the first position on: several steps only ever come at the beginning.
            query = rows[:, :, : shape.heads].transpose(1, 2)
            mixed = functional.scaled_dot_product_attention(
                query, keys, values, is_causal=True, enable_gqa=True
            ).transpose(1, 2)
        return mixed.reshape(batch * steps, -1)

    def _grouped(self, rows: torch.Tensor) -> torch.Tensor:
        """The query of one step; the heads of a group take the place of positions: keys are not repeated."""
        shape = self._shape
        return rows[:, 0, : shape.heads].reshape(rows.shape[0], shape.kv_heads, -1, shape.size)
