# pyright: reportMissingImports=false
"""The static loop with its steps captured as CUDA graphs: two launches per frame instead of thousands.

One graph takes the last frame into the talker, one makes the sixteen codes of the next, sampling included,
for each batch size. Capture before serving, and never while another thread uses the device.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from streaming.gpu.attention import unplanned_attention
from streaming.gpu.capture import capture, graph_pool
from streaming.speech.qwen3.model import Qwen3Model
from streaming.speech.qwen3.static import CONTEXT, StaticLoop


class GraphLoop(StaticLoop):
    """See :class:`streaming.speech.qwen3.loop.DecodeLoop`. Without CUDA it runs the same steps uncaptured.

    Args:
        model: see :class:`StaticLoop`.
        capacity: likewise.
        context: likewise.
        nucleus: likewise.
        compiled: likewise.
    """

    def __init__(
        self,
        model: Qwen3Model,
        capacity: int = 1,
        context: int = CONTEXT,
        nucleus: bool = False,
        compiled: bool = False,
    ) -> None:
        super().__init__(model, capacity, context, nucleus, compiled)
        self._talks: dict[int, Callable[[], None]] = {}
        self._frames: dict[int, Callable[[], None]] = {}

    @property
    def captured(self) -> tuple[int, ...]:
        """Batch sizes whose steps are ready to be replayed."""
        return tuple(self._frames)

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Run everything once, and capture it; only while no utterance is open."""
        super().warm_up()
        pool = graph_pool(self._device)
        # The largest first: the smaller ones then find room in the memory that it took.
        with unplanned_attention():
            for batch in reversed(self.batches):
                self._talks[batch] = capture(partial(super()._talk, batch), self._device, pool)
                self._frames[batch] = capture(partial(super()._frame, batch), self._device, pool)

    def _talk(self, batch: int) -> None:
        self._talks.get(batch, partial(super()._talk, batch))()

    def _frame(self, batch: int) -> None:
        self._frames.get(batch, partial(super()._frame, batch))()
