"""Draws the frames of all sessions, a batch at a time, on the thread that everything on the card shares.

What is drawn next is for :mod:`streaming.gpu.batching` to say. A frame whose sound nobody has listened to yet
is listened to first, along with the others of its batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from streaming.clock import Clock
from streaming.face.musetalk.frames import Frame, Sound
from streaming.gpu.budget import is_out_of_memory, release
from streaming.gpu.costs import Table, cost_of
from streaming.gpu.frame_queue import FrameQueue

if TYPE_CHECKING:
    from streaming.face.musetalk.machine import Machine

log = structlog.get_logger(__name__)

NAME = "musetalk"
UNKNOWN_BATCH, UNKNOWN_FRAME = 0.010, 0.004
"""Seconds that a batch, and each of its frames, count as long as nothing has been measured."""


class Drawing:
    """Implements :class:`streaming.gpu.work.Work`. All but :meth:`submit` is for the compute thread.

    Args:
        machine: draws.
        clock: of the process.
    """

    name = NAME

    def __init__(self, machine: Machine, clock: Clock) -> None:
        self._machine = machine
        self._inbox: deque[Sequence[Frame]] = deque()
        self._queues = {name: FrameQueue[Frame](clock) for name in machine.renderer.decoders}
        self._costs: dict[str, Table] = {
            name: {size: UNKNOWN_BATCH + UNKNOWN_FRAME * size for size in machine.renderer.sizes} for name in self._queues
        }
        self._encoder: Table = {}
        self._decoder = machine.renderer.decoders[0]
        """Of the batch that comes next."""

    def submit(self, frames: Sequence[Frame]) -> None:
        """Have these frames drawn; on any thread, which then makes the compute thread look."""
        self._inbox.append(frames)

    def use(self, costs: Mapping[str, Table], encoder: Table) -> None:
        """Plan with these costs from now on.

        Args:
            costs: seconds by decoder and batch size; only these sizes are used.
            encoder: seconds by number of windows.
        """
        self._costs |= {name: dict(table) for name, table in costs.items() if table}
        self._encoder = dict(encoder)

    # Work ------------------------------------------------------------------------------------------------

    def due(self) -> float | None:
        """When the most urgent frame has to be there."""
        self._take_in()
        waiting: list[tuple[float, str]] = []
        for name, queue in self._queues.items():
            queue.keep(_is_wanted)
            if (due := queue.due()) is not None:
                waiting.append((due, name))
        if not waiting:
            return None
        due, self._decoder = min(waiting)
        return due

    def cost(self) -> float:
        """Seconds of the batch that is drawn next, with listening to what is new in it."""
        batch = self._queues[self._decoder].batch(self._sizes(self._decoder))
        return 0.0 if batch is None else batch.cost + cost_of(self._encoder, 1)

    def step(self) -> None:
        """Listen where nobody has yet, and draw a batch."""
        frames, size = self._queues[self._decoder].take(self._sizes(self._decoder))
        if not frames:
            return
        try:
            self._machine.hear(_unheard(frames))
            pixels = self._machine.draw(frames, self._decoder)
        except Exception as error:
            if is_out_of_memory(error):
                self._shrink(size, frames)
                return
            self._give_up(frames, f"{type(error).__name__}: {error}")
            raise
        missing: list[Frame] = []
        for frame, drawn in zip(frames, pixels, strict=True):
            if drawn is None:
                missing.append(frame)
            else:
                frame.orders.deliver(frame.promise, frame.patch(drawn))
        self._give_up(missing, "the network gave no picture")

    def failed(self, error: Exception) -> None:
        """Voices go on without the frames that wait."""
        self._take_in()
        for queue in self._queues.values():
            self._give_up(queue.clear(), f"{type(error).__name__}: {error}")

    # Within ----------------------------------------------------------------------------------------------

    def _take_in(self) -> None:
        while self._inbox:
            for frame in self._inbox.popleft():
                self._queue(frame)

    def _queue(self, frame: Frame) -> None:
        self._queues[frame.orders.decoder].add(
            frame,
            owner=frame.orders,
            index=frame.number,
            playhead=frame.orders.playhead,
            first=frame.first,
        )

    def _sizes(self, decoder: str) -> Table:
        table = self._costs[decoder]
        most = self._machine.renderer.sizes[-1]
        return {size: cost for size, cost in table.items() if size <= most} or {most: table[min(table)]}

    def _shrink(self, size: int, frames: Sequence[Frame]) -> None:
        """Not enough memory: these frames are drawn in smaller batches."""
        release()
        smaller = [known for known in self._machine.renderer.sizes if known < size]
        if not smaller:
            self._give_up(frames, "there is not enough memory on the graphics card for a single frame")
            return
        self._machine.renderer.limit(smaller[-1])
        release()
        log.warning("not enough memory, smaller batches", batch=size, most=smaller[-1])
        message = f"The graphics card ran out of memory: faces are drawn {smaller[-1]} at a time from now on."
        for frame in frames:
            frame.orders.tell("memory_low", NAME, message)
            self._queue(frame)

    def _give_up(self, frames: Sequence[Frame], why: str) -> None:
        for frame in frames:
            log.warning("face not drawn", frame=frame.number, reason=why)
            message = f"The face cannot be drawn ({why}). The voice goes on without it."
            frame.orders.tell("face_failed", NAME, message)
            frame.orders.deliver(frame.promise, frame.patch(None))


def _is_wanted(frame: Frame) -> bool:
    return frame.wanted


def _unheard(frames: Sequence[Frame]) -> list[Sound]:
    """Sounds of these frames whose features are not there yet, each once."""
    found = {id(frame.sound): frame.sound for frame in frames if frame.sound.features is None}
    return list(found.values())
