# pyright: reportMissingImports=false, reportUntypedBaseClass=false
"""Parts of diffusers' UNet with fewer operations, for batches that are small and known: the same numbers.

Many of the UNet's eight hundred operations are so small that a card takes no longer for them than to begin
them. Left out are divisions by one, and layouts that are turned over and back; put together are matrices that
multiply the same. Pictures lie in memory channels last, as half-precision convolutions want them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


class FaceResnet(torch.nn.Module):
    """``ResnetBlock2D`` without an embedding of time, which has been put into its bias.

    Args:
        resnet: that neither halves nor doubles its picture. It is taken over.
    """

    def __init__(self, resnet: Any) -> None:
        super().__init__()
        self.norm1, self.conv1 = resnet.norm1, resnet.conv1
        self.norm2, self.conv2 = resnet.norm2, resnet.conv2
        self.conv_shortcut = resnet.conv_shortcut

    def forward(self, input_tensor: torch.Tensor, temb: None = None) -> torch.Tensor:
        """Called by the blocks of diffusers, with their names: (B, C, h, w)."""
        x = self.conv1(activated(self.norm1(input_tensor)))
        x = self.conv2(activated(self.norm2(x)))
        return x + (input_tensor if self.conv_shortcut is None else self.conv_shortcut(input_tensor))


class FaceTransformer(torch.nn.Module):
    """``Transformer2DModel`` for pictures, with convolutions at both ends.

    Args:
        transformer: it is taken over.
    """

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.norm, self.proj_in = transformer.norm, transformer.proj_in
        self.transformer_blocks = torch.nn.ModuleList(map(_Block, transformer.transformer_blocks))
        self.proj_out = transformer.proj_out

    def forward(
        self, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor, **_unused: Any
    ) -> tuple[torch.Tensor]:
        """Called by the blocks of diffusers, with their names: (B, C, h, w) and (B, 50, 384)."""
        x = self.proj_in(self.norm(hidden_states)).permute(0, 2, 3, 1)
        tokens = x.reshape(x.shape[0], -1, x.shape[3])
        for block in self.transformer_blocks:
            tokens = block(tokens, encoder_hidden_states)
        return (self.proj_out(tokens.view(x.shape).permute(0, 3, 1, 2)) + hidden_states,)


class _Block(torch.nn.Module):
    """``BasicTransformerBlock`` with layer norms."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = block.norm1, block.norm2, block.norm3
        seeing, hearing = block.attn1, block.attn2
        self.heads: int = seeing.heads
        self.query_key_value = _joined(seeing.to_q, seeing.to_k, seeing.to_v)
        self.seen = seeing.to_out[0]
        self.query = hearing.to_q
        self.key_value = _joined(hearing.to_k, hearing.to_v)
        self.heard = hearing.to_out[0]
        self.feed_forward = block.ff

    def forward(self, x: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        query, key, value = self._heads(self.query_key_value(self.norm1(x)), 3)
        x = x + self.seen(_mixed(query, key, value))
        (query,) = self._heads(self.query(self.norm2(x)), 1)
        key, value = self._heads(self.key_value(features), 2)
        x = x + self.heard(_mixed(query, key, value))
        return x + self.feed_forward(self.norm3(x))

    def _heads(self, rows: torch.Tensor, kinds: int) -> tuple[torch.Tensor, ...]:
        """(B, n, kinds * heads * D) as (B, heads, n, D) of each kind."""
        return rows.unflatten(2, (kinds * self.heads, -1)).transpose(1, 2).chunk(kinds, 1)


def activated(x: torch.Tensor) -> torch.Tensor:
    """SiLU of a picture, channels last, whatever it was: CUDA's group norms give channels first."""
    out = torch.empty_like(x, memory_format=torch.channels_last)
    return torch.ops.aten.silu.out(x, out=out)


def _mixed(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def _joined(*layers: Any) -> torch.nn.Linear:
    """Linear layers without biases as one."""
    weight = torch.cat([layer.weight.detach() for layer in layers])
    joined = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    joined.weight = torch.nn.Parameter(weight, requires_grad=False)
    return joined
