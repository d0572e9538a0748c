# pyright: reportMissingImports=false
"""Frames of codes to sound, as they come: the codec's decoder, with all it remembers kept between calls.

All of the decoder looks only backwards, so a stream of chunks gives the same samples as the whole at once,
whatever their sizes: each convolution keeps the columns that its kernel reaches back to, the transformer
the keys and values of its window. (Decoding a sliding window of frames again and again, as is common, is
audibly wrong: 13 dB of signal to noise with 25 frames of context, 22 dB with 72.)

A chunk is some seven hundred small operations, whose launches take longer than the card does. So all of it
is done in buffers that stay where they are, and on a CUDA device each length of chunk is captured as a graph.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from streaming.gpu.capture import capture, graph_pool
from streaming.speech.qwen3.codec_memory import CodecMemory, CodecState

LONGEST_CHUNK = 8
"""Frames of the longest chunk that is handed on."""
PRIME_FRAMES = 32
"""A reference is run through in chunks of that many frames, which bounds the memory it takes. What is left of
it comes in chunks of :data:`LONGEST_CHUNK`: a card's library prepares something for every length that is new.
"""


class StreamingDecoder:
    """Decodes any number of streams, each with a state of its own, one at a time.

    Args:
        decoder: ``Qwen3TTSTokenizerV2Decoder`` in float32.
    """

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder.eval()
        self._window: int = decoder.config.sliding_window - 1
        weight = next(decoder.parameters())
        self._device = weight.device
        self.frame_samples = int(decoder.total_upsample)
        self._memory = CodecMemory(decoder, self._window)
        self._waves, self._tables = _waves(decoder), _tables(decoder)
        self._steps: dict[int, Callable[[], None]] = {}
        codebooks = decoder.config.num_quantizers
        self._codes = torch.zeros(PRIME_FRAMES, codebooks, dtype=torch.long, device=self._device)
        self._begin = torch.zeros(1, dtype=torch.long, device=self._device)
        self._ahead = torch.arange(PRIME_FRAMES, device=self._device)
        self._back = torch.arange(-self._window, PRIME_FRAMES, device=self._device)
        self._sound = torch.zeros(PRIME_FRAMES * self.frame_samples, device=self._device)
        on_card = self._device.type == "cuda"
        self._host = torch.zeros(self._sound.shape, pin_memory=True) if on_card else self._sound

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device

    @property
    def captured(self) -> tuple[int, ...]:
        """Lengths of chunks whose step is ready to be replayed."""
        return tuple(sorted(self._steps))

    def start(self) -> CodecState:
        """The state of a stream that has not begun."""
        return self._memory.start()

    def prime(self, codes: torch.Tensor) -> CodecState:
        """The state after a reference whose sound is not wanted; compute it once per voice, and clone it.

        Args:
            codes: (n, 16) int64.
        """
        state = self.start()
        long = len(codes) - len(codes) % PRIME_FRAMES
        for part in (*codes[:long].split(PRIME_FRAMES), *codes[long:].split(LONGEST_CHUNK)):
            if len(part):
                self.decode_tensor(part, state)
        return state

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Run every length of chunk once before anyone waits; on CUDA, capture it."""
        pool = graph_pool(self._device)
        if pool is not None:
            # The longest first: the shorter ones then find room in the memory that it took.
            for frames in range(LONGEST_CHUNK, 0, -1):
                self._steps[frames] = capture(partial(self._step, frames), self._device, pool)
        state = self.start()
        for frames in (*range(1, LONGEST_CHUNK + 1), PRIME_FRAMES):
            self.decode(torch.zeros(frames, self._codes.shape[1], dtype=torch.long), state)

    def decode(self, codes: torch.Tensor, state: CodecState) -> NDArray[np.float32]:
        """The sound of the next frames.

        Args:
            codes: (n, 16) int64, on any device.
            state: is changed in place.

        Returns:
            (n * 1920,) in -1..1 at 24 kHz.
        """
        sound = self.decode_tensor(codes, state)
        if self._device.type != "cuda" or len(sound) > len(self._host):
            return sound.cpu().numpy()
        host = self._host[: len(sound)]
        host.copy_(sound, non_blocking=True)
        # Blocking: waiting must not take the core that others encode pictures on.
        done = torch.cuda.Event(blocking=True)
        done.record(torch.cuda.current_stream(self._device))
        done.synchronize()
        return host.numpy().copy()

    @torch.inference_mode()
    def decode_tensor(self, codes: torch.Tensor, state: CodecState) -> torch.Tensor:
        """As :meth:`decode`, left on the device."""
        parts: list[torch.Tensor] = []
        self._memory.whole.copy_(state.memory)
        for part in codes.split(PRIME_FRAMES):
            frames = len(part)
            self._codes[:frames].copy_(part)
            self._begin.fill_(state.frames)
            self._steps.get(frames, partial(self._step, frames))()
            parts.append(self._sound[: frames * self.frame_samples].clone())
            state.frames += frames
        state.memory.copy_(self._memory.whole)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _step(self, frames: int) -> None:
        """Decode what lies in the buffers, into another one."""
        # TensorFloat-32, which cuDNN uses unasked, is too coarse for the codec.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            self._sound[: frames * self.frame_samples].copy_(self._decode(self._codes[:frames]))

    def _decode(self, codes: torch.Tensor) -> torch.Tensor:
        decoder = self._decoder
        x = self._convolve(decoder.pre_conv, self._look_up(codes.clamp(min=0)))
        x = self._transform(x.transpose(1, 2)).transpose(1, 2)
        for upsample, block in decoder.upsample:
            x = self._upsample(upsample, x)
            x = x + self._mix(block, x)
        for block in decoder.decoder:
            if hasattr(block, "block"):
                activation, upsample, *units = block.block
                x = self._upsample(upsample, self._activate(activation, x))
                for unit in units:
                    y = self._convolve(unit.conv1, self._activate(unit.act1, x))
                    x = self._convolve(unit.conv2, self._activate(unit.act2, y)) + x
            elif hasattr(block, "conv"):
                x = self._convolve(block, x)
            else:
                x = self._activate(block, x)
        return x.clamp(-1, 1).float().view(-1)

    def _look_up(self, codes: torch.Tensor) -> torch.Tensor:
        """``SplitResidualVectorQuantizer``: (n, 16) becomes (1, D, n)."""
        sums: list[torch.Tensor] = []
        for quantizer, books in self._tables:
            rows = torch.zeros((), device=self._device)
            for book, (layer, table) in books.items():
                rows = rows + layer.project_out(functional.embedding(codes[None, :, book], table))
            sums.append(quantizer.output_proj(rows.transpose(1, 2)))
        return sums[0] + sums[1]

    def _activate(self, layer: Any, x: torch.Tensor) -> torch.Tensor:
        """``SnakeBeta``, whose factors have been worked out before."""
        inner, outer = self._waves[layer]
        return x + (x * inner).sin_().square_().mul_(outer)

    def _convolve(self, layer: Any, x: torch.Tensor) -> torch.Tensor:
        """``Qwen3TTSTokenizerV2CausalConvNet`` with a stride of 1."""
        return layer.conv(self._memory.join(layer, x))

    def _upsample(self, layer: Any, x: torch.Tensor) -> torch.Tensor:
        """``Qwen3TTSTokenizerV2CausalTransConvNet``; its kernel is one or two strides long."""
        stride, columns = layer.conv.stride[0], x.shape[-1]
        if layer.right_pad == 0:
            return layer.conv(x)
        return layer.conv(self._memory.join(layer, x))[..., stride : stride * (columns + 1)]

    def _mix(self, block: Any, x: torch.Tensor) -> torch.Tensor:
        """``Qwen3TTSTokenizerV2ConvNeXtBlock`` without its residual."""
        y = block.norm(self._convolve(block.dwconv, x).permute(0, 2, 1))
        return (block.gamma * block.pwconv2(block.act(block.pwconv1(y)))).permute(0, 2, 1)

    def _transform(self, x: torch.Tensor) -> torch.Tensor:
        """The transformer over (1, n, D), each layer with a window of keys and values."""
        network, window, frames = self._decoder.pre_transformer, self._window, x.shape[1]
        x = network.input_proj(x)
        queries = self._begin + self._ahead[:frames]
        keys = self._begin + self._back[: window + frames]
        mask = (keys <= queries[:, None]) & (keys >= queries[:, None] - window) & (keys >= 0)
        cos, sin = (table.unsqueeze(1) for table in network.rotary_emb(x, queries[None]))
        for layer in network.layers:
            y = self._attend(layer.self_attn, layer.input_layernorm(x), cos, sin, mask)
            x = x + layer.self_attn_layer_scale(y)
            x = x + layer.mlp_layer_scale(layer.mlp(layer.post_attention_layernorm(x)))
        return network.output_proj(network.norm(x))

    def _attend(
        self, attention: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        frames = x.shape[1]

        def heads(y: torch.Tensor) -> torch.Tensor:
            return y.view(1, frames, -1, attention.head_dim).transpose(1, 2)

        query = _rotate(heads(attention.q_proj(x)), cos, sin)
        key = self._memory.join(attention, _rotate(heads(attention.k_proj(x)), cos, sin), "keys", 2)
        value = self._memory.join(attention, heads(attention.v_proj(x)), "values", 2)
        mixed = functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=mask,
            scale=attention.scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        return attention.o_proj(mixed.transpose(1, 2).reshape(1, frames, -1))


@torch.no_grad()
def _tables(decoder: Any) -> list[tuple[Any, dict[int, tuple[Any, torch.Tensor]]]]:
    """Both quantizers, and of each layers and vectors by codebook: 32 MB, else made anew each time."""
    tables: list[tuple[Any, dict[int, tuple[Any, torch.Tensor]]]] = []
    book = 0
    for quantizer in (decoder.quantizer.rvq_first, decoder.quantizer.rvq_rest):
        books: dict[int, tuple[Any, torch.Tensor]] = {}
        for layer in quantizer.vq.layers:
            known = layer._codebook
            usage = known.cluster_usage.clamp(min=known.epsilon)[:, None]
            books[book] = (layer, known.embedding_sum / usage)
            book += 1
        tables.append((quantizer, books))
    return tables


@torch.no_grad()
def _waves(decoder: Any) -> dict[Any, tuple[torch.Tensor, torch.Tensor]]:
    """Factors within and before the sine of each activation, (C, 1)."""
    return {
        layer: (layer.alpha.exp()[:, None], (1.0 / (layer.beta.exp() + layer.no_div_by_zero))[:, None])
        for layer in decoder.modules()
        if hasattr(layer, "no_div_by_zero")
    }


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin
