# pyright: reportMissingImports=false
"""Batches of faces, from latents and features to the pixels of their patches.

Everything lies in buffers of fixed size, so that on a CUDA device each batch size is captured once as graphs:
two launches for a batch instead of eight hundred. Capture before serving, and never while another thread uses
the device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache, partial
from typing import Any

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from avatars.musetalk import CROP, LATENT_CHANNELS, LATENT_SIDE
from streaming.face.musetalk.colour import AnyRect, Packer, Rect, check_rect, packed_rows, window_index
from streaming.face.musetalk.decoder import VAE_BATCH
from streaming.face.musetalk.model import MuseTalkModel
from streaming.face.musetalk.sizes import FEATURE_SIZE, FEATURE_TOKENS, PREDICTED_CHANNELS
from streaming.gpu.attention import unplanned_attention
from streaming.gpu.budget import is_out_of_memory, release
from streaming.gpu.capture import Step, capture, graph_pool

log = structlog.get_logger(__name__)

SIZES = (1, 2, 4, 8, 16)
"""Frames in a batch."""
FIRST_ROWS = (0, 96, 104, 112)
"""Rows that decoding may begin with: masks of the lower face begin a little above row 128."""
_WINDOWS = 64
"""Rectangles whose places in a picture are kept on the device, at most 0.4 MB each."""


class FaceRenderer:
    """Draws batches of frames, of one or several avatars.

    Args:
        model: the networks.
        sizes: of the batches. A smaller batch is drawn as the next larger one, and the rest left out.
        first_rows: that decoding may begin with; even. 0 is always among them.
    """

    def __init__(
        self, model: MuseTalkModel, sizes: Sequence[int] = SIZES, first_rows: Sequence[int] = FIRST_ROWS
    ) -> None:
        self._sizes = tuple(sorted(set(sizes)))
        self._first_rows = tuple(sorted({0, *first_rows}))
        self._device = torch.device(model.placement.device)
        self._unet = model.unet
        self._decoders: dict[str, Any] = {"taesd": model.taesd}
        if model.vae is not None:
            self._decoders["vae"] = model.vae
        self._packer = Packer().to(self._device)
        self._warm = False
        self._draws: dict[int, Step] = {}
        self._decodes: dict[tuple[int, int], Step] = {}
        self._window = lru_cache(maxsize=_WINDOWS)(self._make_window)
        most, dtype = self._sizes[-1], model.placement.torch_dtype
        picture = (LATENT_SIDE, LATENT_SIDE)
        self._latents = self._zeros((most, LATENT_CHANNELS, *picture), dtype)
        self._features = torch.zeros((most, FEATURE_TOKENS, FEATURE_SIZE), dtype=dtype, device=self._device)
        self._predicted = self._zeros((most, PREDICTED_CHANNELS, *picture), dtype)
        room = most * packed_rows(CROP)
        self._packed = torch.zeros(room, dtype=torch.uint8, device=self._device)
        self._patches = torch.zeros(room, dtype=torch.uint8, device=self._device)
        on_card = self._device.type == "cuda"
        self._host = torch.zeros(room, dtype=torch.uint8, pin_memory=on_card) if on_card else self._patches

    @property
    def sizes(self) -> tuple[int, ...]:
        """Batch sizes, rising."""
        return self._sizes

    @property
    def first_rows(self) -> tuple[int, ...]:
        """Rows that decoding may begin with, rising."""
        return self._first_rows

    @property
    def decoders(self) -> tuple[str, ...]:
        """``taesd``, and ``vae`` where it is loaded."""
        return tuple(self._decoders)

    @property
    def captured(self) -> tuple[int, ...]:
        """Batch sizes that have been run, and on a CUDA device are ready to be replayed."""
        return tuple(sorted(self._draws))

    def upload(self, latents: NDArray[np.float16]) -> torch.Tensor:
        """An avatar's latents (N, 8, 32, 32) on the device; :meth:`render` takes single ones of them."""
        return torch.tensor(latents).to(self._device, self._latents.dtype)

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Capture every size where there is a CUDA device, which takes seconds; else run the smallest once.

        Where memory does not suffice for the largest sizes, there are smaller ones only; see :attr:`sizes`.

        Raises:
            torch.OutOfMemoryError: it does not suffice for a single frame.
        """
        self._warm = True
        while True:
            try:
                self._capture_all()
                return
            except (RuntimeError, MemoryError) as error:
                self._forget()
                if not is_out_of_memory(error) or len(self._sizes) == 1:
                    raise
            log.warning("not enough memory for a batch of faces", size=self._sizes[-1], most=self._sizes[-2])
            self._sizes = self._sizes[:-1]

    def limit(self, size: int) -> None:
        """Draw in smaller batches from now on, because memory ran out.

        Graphs share their memory, so all are dropped, and those of the sizes that stay are captured anew
        (1 or 2 s). Where not even that goes, frames are drawn without.

        Args:
            size: the largest to keep. The smallest of all is kept always.
        """
        self._sizes = tuple(known for known in self._sizes if known <= size) or self._sizes[:1]
        self._forget()
        if not self._warm:
            return
        try:
            self.warm_up()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            log.warning("not enough memory for the graphs of faces: drawing without")

    @torch.inference_mode()
    def render(
        self,
        latents: Sequence[torch.Tensor],
        features: Sequence[torch.Tensor],
        rects: Sequence[AnyRect],
        decoder: str = "taesd",
    ) -> list[bytes | None]:
        """Draw a batch. All is done, and on the host, when it returns.

        Args:
            latents: (8, 32, 32) of each frame.
            features: (50, 384) of each frame, with positions.
            rects: of each frame's patch in the face crop: x, y, width, height; even numbers.
            decoder: one of :attr:`decoders`.

        Returns:
            The planes of each patch as packed yuv420p; None where the network drew no picture.

        Raises:
            ValueError: another number of frames, or something that does not fit.
        """
        count = len(latents)
        if not count == len(features) == len(rects) or count > self._sizes[-1]:
            raise ValueError(f"a batch has 1 to {self._sizes[-1]} frames, each with latents and features")
        if decoder not in self._decoders:
            raise ValueError(f"no decoder '{decoder}'; there is {', '.join(self._decoders)}")
        if not count:
            return []
        windows = [check_rect(rect) for rect in rects]
        size = next(size for size in self._sizes if size >= count)
        top = min(y for _, y, _, _ in windows)
        first_row = max(row for row in self._first_rows if row <= top)
        with self._on_device():
            self._latents[:count].copy_(self._stacked(latents))
            self._features[:count].copy_(self._stacked(features))
            self.draw(size)
            self.decode(size, first_row, decoder)
            return self._bring(windows, size, first_row)

    def draw(self, size: int) -> None:
        """Run the UNet on what lies in the buffers; for :meth:`render`, and to measure it."""
        self._draws.get(size, partial(self._draw, size))()

    def decode(self, size: int, first_row: int, decoder: str) -> None:
        """Decode and convert what the UNet drew last; for :meth:`render`, and to measure it."""
        step = partial(self._decode, size, first_row, decoder)
        # The VAE keeps the device busy for longer than its launches take, and its memory is worth more.
        (self._decodes.get((size, first_row), step) if decoder == "taesd" else step)()

    def _capture_all(self) -> None:
        self._draws.clear()
        self._decodes.clear()
        on_card = self._device.type == "cuda"
        pool = graph_pool(self._device)
        with _searching_kernels(self._device):
            # The largest first: the smaller ones then find room in the memory that it took.
            for size in reversed(self._sizes if on_card else self._sizes[:1]):
                self._draws[size] = capture(partial(self._draw, size), self._device, pool)
                for row in self._first_rows:
                    step = partial(self._decode, size, row, "taesd")
                    self._decodes[size, row] = capture(step, self._device, pool)
        if "vae" in self._decoders:
            for size in self._sizes if on_card else self._sizes[:1]:
                if size <= VAE_BATCH:
                    self._decode(size, 0, "vae")

    def _draw(self, size: int) -> None:
        with torch.inference_mode(), unplanned_attention():
            self._predicted[:size].copy_(self._unet(self._latents[:size], self._features[:size]))

    def _decode(self, size: int, first_row: int, decoder: str) -> None:
        with torch.inference_mode(), unplanned_attention():
            latents = self._predicted[:size]
            pictures = self._decoders[decoder](latents, first_row)
            self._packer(pictures, latents, self._packed_batch(size, first_row))

    def _bring(self, windows: list[Rect], size: int, first_row: int) -> list[bytes | None]:
        """Cut out the patches on the device, and bring them over at once."""
        packed = self._packed_batch(size, first_row)
        lengths = [width * height * 3 // 2 + 1 for _, _, width, height in windows]
        total = sum(lengths)
        if len(set(windows)) == 1:
            out = self._patches[:total].view(len(windows), -1)
            torch.index_select(packed[: len(windows)], 1, self._window(windows[0], first_row), out=out)
        else:
            for row, out, window in zip(packed, self._patches[:total].split(lengths), windows, strict=False):
                torch.index_select(row, 0, self._window(window, first_row), out=out)
        if self._host is not self._patches:
            self._host[:total].copy_(self._patches[:total], non_blocking=self._device.type == "cuda")
            if self._device.type == "cuda":
                # Blocking: waiting must not take the core that others encode pictures on.
                done = torch.cuda.Event(blocking=True)
                done.record()
                done.synchronize()
        frames: list[bytes | None] = []
        for patch in torch.split(self._host[:total], lengths):
            planes = patch.numpy()
            frames.append(planes[:-1].tobytes() if planes[-1] else None)
        return frames

    def _packed_batch(self, size: int, first_row: int) -> torch.Tensor:
        length = packed_rows(CROP - first_row)
        return self._packed[: size * length].view(size, length)

    def _make_window(self, rect: Rect, first_row: int) -> torch.Tensor:
        return window_index(rect, first_row).to(self._device)

    def _stacked(self, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.stack([tensor.to(self._device) for tensor in tensors])

    def _zeros(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        return torch.zeros(shape, dtype=dtype, device=self._device).to(memory_format=torch.channels_last)

    def _on_device(self) -> AbstractContextManager[object]:
        """Streams and events within are those of its device, though another card may be the first one."""
        return torch.cuda.device(self._device) if self._device.type == "cuda" else nullcontext()

    def _forget(self) -> None:
        self._draws.clear()
        self._decodes.clear()
        release()


@contextmanager
def _searching_kernels(device: torch.device) -> Iterator[None]:
    """Within, cuDNN tries its kernels for each new shape, and keeps to the fastest; a graph remembers it."""
    if device.type != "cuda":
        yield
        return
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
