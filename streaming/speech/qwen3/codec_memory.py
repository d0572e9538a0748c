# pyright: reportMissingImports=false
"""What the codec's decoder looks back on: all of it in one piece of memory, in an order that does not change.

So a stream's past is brought to where the decoder works, and taken away again, by one copy each.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import torch

_ALIGNED = 64
"""Floats; each part begins at a multiple of it, as allocators have them begin."""


@dataclass(slots=True)
class CodecState:
    """What the decoder remembers of one stream; 5 MB at the published size.

    Attributes:
        frames: how many have been decoded.
        memory: (floats,) in the order of :class:`CodecMemory`.
    """

    frames: int
    memory: torch.Tensor

    def clone(self) -> CodecState:
        """A copy to go on from: many utterances begin where one voice's reference ended."""
        return CodecState(self.frames, self.memory.clone())


class CodecMemory:
    """The past of every layer, as views of one tensor.

    Args:
        decoder: ``Qwen3TTSTokenizerV2Decoder``.
        window: positions before its own that a query of its transformer attends to.
    """

    def __init__(self, decoder: Any, window: int) -> None:
        weight = next(decoder.parameters())
        shapes: dict[tuple[Any, str], tuple[int, ...]] = {}
        for layer in decoder.modules():
            if reach := _reach(layer):
                shapes[layer, "columns"] = (1, layer.conv.in_channels, reach)
        for layer in decoder.pre_transformer.layers:
            attention = layer.self_attn
            heads = attention.k_proj.out_features // attention.head_dim
            for kind in ("keys", "values"):
                shapes[attention, kind] = (1, heads, window, attention.head_dim)
        sizes = {part: -(-prod(shape) // _ALIGNED) * _ALIGNED for part, shape in shapes.items()}
        self.whole = torch.zeros(sum(sizes.values()), device=weight.device, dtype=weight.dtype)
        pieces = self.whole.split(list(sizes.values()))
        self._parts = {
            part: piece[: prod(shapes[part])].view(shapes[part])
            for part, piece in zip(sizes, pieces, strict=True)
        }

    def start(self) -> CodecState:
        """The state of a stream that has not begun."""
        return CodecState(0, torch.zeros_like(self.whole))

    def join(self, layer: Any, x: torch.Tensor, kind: str = "columns", axis: int = -1) -> torch.Tensor:
        """A layer's past and what is new, behind each other; the end of it is its past from now on.

        Args:
            layer: that looks back; one that does not gets back what it gave.
            x: what is new, of the shape of the past but for its length.
            kind: ``columns`` of a convolution, ``keys`` or ``values`` of an attention.
            axis: of time.
        """
        past = self._parts.get((layer, kind))
        if past is None:
            return x
        joined = torch.cat((past, x), axis)
        reach = past.shape[axis]
        past.copy_(joined.narrow(axis, joined.shape[axis] - reach, reach))
        return joined


def _reach(layer: Any) -> int:
    """Columns before its input that a convolution looks at; 0 for anything else."""
    if hasattr(layer, "right_pad"):
        # A transposed one, whose kernel is one or two strides long.
        return 1 if layer.right_pad else 0
    return layer.padding if hasattr(layer, "conv") and isinstance(getattr(layer, "padding", None), int) else 0
