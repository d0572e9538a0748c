# pyright: reportMissingImports=false
"""From windows of sound to what MuseTalk's UNet hears: Whisper's encoder, in batches of several sessions.

Of a frame's ten rows the UNet gets the states between all layers: convolutions with positions, layers 1 to 3,
and layer 4 after the final norm; 50 tokens in the order of time, five layers each, with sinusoidal positions
of their own. All of it is one step of constant shapes for each batch size, captured as a CUDA graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from streaming.face.musetalk.windows import ROWS_PER_FRAME, SHAPE, Window, WindowShape
from streaming.gpu.attention import unplanned_attention
from streaming.gpu.capture import capture, graph_pool
from streaming.gpu.placement import Placement

BATCHES = (1, 2, 4, 8)
"""Windows per step; fewer are filled up."""
FRAMES = 2
"""Frames that a window may have."""
_BASE = 10_000.0


class AudioEncoder:
    """Makes features of windows.

    Only one thread may use it at a time, and nothing else the device while :meth:`warm_up` captures.

    Args:
        encoder: transformers' ``WhisperEncoder``; it is put where it shall run, and used in parts, as its own
            ``forward`` insists on 30 s and on positions from 0. Any kind of attention will do; ``sdpa``, the
            default, is the quickest.
        placement: where it shall run, and how precisely.
        shape: of all windows.
        batches: sizes that are captured, rising.

    Raises:
        ValueError: the encoder has not as many positions as windows are placed at.
    """

    def __init__(
        self,
        encoder: Any,
        placement: Placement,
        shape: WindowShape = SHAPE,
        batches: Sequence[int] = BATCHES,
    ) -> None:
        self._encoder = encoder.to(placement.device, placement.torch_dtype).eval()
        self._device = torch.device(placement.device)
        self._shape = shape
        self.batches = tuple(batches)
        weights = encoder.conv1.weight
        size: int = weights.shape[0]
        self._largest_position = encoder.embed_positions.weight.shape[0] - shape.encoded
        if self._largest_position < 0:
            raise ValueError(f"Windows of {shape.encoded} rows are too long for this encoder.")
        most = self.batches[-1]
        tokens = ROWS_PER_FRAME * (len(encoder.layers) + 1)
        self._token_positions = sinusoids(tokens, size).to(weights)
        self._offsets = torch.arange(shape.encoded, device=self._device)
        # What a step reads and writes; it is there once, for every batch size.
        self._mel = torch.zeros(most, weights.shape[1], shape.rows, device=self._device, dtype=weights.dtype)
        self._begin = torch.zeros(most, dtype=torch.long, device=self._device)
        self._taken = torch.zeros(most, FRAMES, ROWS_PER_FRAME, dtype=torch.long, device=self._device)
        self._zero = torch.zeros(most, FRAMES, ROWS_PER_FRAME, dtype=torch.bool, device=self._device)
        self._features = torch.zeros(most, FRAMES, tokens, size, device=self._device, dtype=weights.dtype)
        self._steps: dict[int, Callable[[], None]] = {}

    @property
    def captured(self) -> tuple[int, ...]:
        """Batch sizes whose step is ready to be replayed."""
        return tuple(sorted(self._steps))

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Run every batch size, and capture it on CUDA."""
        pool = graph_pool(self._device)
        # The largest first: the smaller ones then find room in the memory that it took.
        for batch in reversed(self.batches):
            self._steps[batch] = capture(partial(self._step, batch), self._device, pool)

    @torch.inference_mode()
    def encode(self, windows: Sequence[Window]) -> list[Tensor]:
        """Features of windows, of any number of utterances.

        Args:
            windows: any number; their mels (80, rows) as the shape says.

        Returns:
            One tensor for each window, (its frames, 50, 384) on the device, positions of the tokens added.
        """
        features: list[Tensor] = []
        for start in range(0, len(windows), self.batches[-1]):
            features += self._encode(windows[start : start + self.batches[-1]])
        return features

    def _encode(self, windows: Sequence[Window]) -> list[Tensor]:
        batch = next(size for size in self.batches if size >= len(windows))
        rows = np.array([_rows_of(window) for window in windows])
        end = np.array([window.end for window in windows])[:, None, None]
        self._put(self._mel, np.stack([window.mel for window in windows]))
        self._put(self._begin, np.array([min(w.position, self._largest_position) for w in windows]))
        self._put(self._taken, rows.clip(0, self._shape.encoded - 1))
        self._put(self._zero, (rows < 0) | (rows >= end))
        self._steps.get(batch, partial(self._step, batch))()
        made = self._features[: len(windows)].clone()
        return [one[: window.frames] for one, window in zip(made, windows, strict=True)]

    @staticmethod
    def _put(buffer: Tensor, values: np.ndarray) -> None:
        buffer[: len(values)].copy_(torch.from_numpy(values))

    def _step(self, batch: int) -> None:
        network = self._encoder
        x = functional.gelu(network.conv1(self._mel[:batch]))
        x = functional.gelu(network.conv2(x)).transpose(1, 2)
        positions = self._begin[:batch, None] + self._offsets
        x = x + functional.embedding(positions, network.embed_positions.weight)
        states = [x]
        with unplanned_attention():
            for layer in network.layers:
                x = _state(layer(x, None, None))
                states.append(x)
        states[-1] = network.layer_norm(x)
        stacked = torch.stack(states, 2)
        numbers = torch.arange(batch, device=self._device)[:, None, None]
        rows = stacked[numbers, self._taken[:batch]]
        rows = rows.masked_fill(self._zero[:batch, :, :, None, None], 0.0)
        self._features[:batch] = rows.flatten(2, 3) + self._token_positions


def sinusoids(count: int, size: int) -> Tensor:
    """(count, size) positions: sines in the even columns, cosines in the odd ones, base 10000."""
    speeds = torch.exp(torch.arange(0, size, 2) * (-math.log(_BASE) / size))
    angles = torch.arange(count)[:, None] * speeds
    return torch.stack((angles.sin(), angles.cos()), 2).flatten(1)


def _rows_of(window: Window) -> list[list[int]]:
    return [[window.begin + 2 * frame + row for row in range(ROWS_PER_FRAME)] for frame in range(FRAMES)]


def _state(output: Any) -> Tensor:
    """What a layer says. transformers 4.57 gives its attention's weights along, later ones do not."""
    return output[0] if isinstance(output, tuple) else output
