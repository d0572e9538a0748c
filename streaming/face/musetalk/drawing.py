"""Draws the frames of all sessions, a batch at a time, on the thread that everything on the card shares.

What is drawn next is for :mod:`streaming.gpu.batching` to say. A frame whose sound nobody has listened to yet
is listened to first, along with the others of its batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from streaming.clock import Clock
from streaming.face.musetalk.frames import Frame, Sound
from streaming.gpu.budget import is_out_of_memory, release
from streaming.gpu.costs import Costs, Table, cost_of
from streaming.gpu.frame_queue import FrameQueue

if TYPE_CHECKING:
    from streaming.face.musetalk.machine import Machine

log = structlog.get_logger(__name__)

NAME = "musetalk"
UNKNOWN_BATCH, UNKNOWN_FRAME = 0.010, 0.004
"""Seconds that a batch, and each of its frames, count as long as nothing has been measured."""


class Drawing:
    """Implements :class:`streaming.gpu.work.Work`, for the frames of one decoder.

    A batch has but one, and the scheduler has to see what each would keep it from.

    Args:
        machine: draws; the same for all of them.
        decoder: one of the machine's.
        clock: of the process.
    """

    def __init__(self, machine: Machine, decoder: str, clock: Clock) -> None:
        self.name = f"{NAME} by {decoder}"
        self._machine = machine
        self._decoder = decoder
        self._inbox: deque[Sequence[Frame]] = deque()
        self._queue = FrameQueue[Frame](clock)
        self._costs: Table = {size: UNKNOWN_BATCH + UNKNOWN_FRAME * size for size in machine.renderer.sizes}
        self._encoder: Table = {}

    def submit(self, frames: Sequence[Frame]) -> None:
        """Have these frames drawn; on any thread, which then makes the compute thread look."""
        self._inbox.append(frames)

    def use(self, costs: Costs) -> None:
        """Plan with these costs from now on; on the compute thread."""
        self._costs = dict(costs.face.get(self._decoder) or self._costs)
        self._encoder = dict(costs.encoder)

    # Work, on the compute thread ---------------------------------------------------------------------------

    def due(self) -> float | None:
        """When the most urgent frame has to be there."""
        self._take_in()
        self._queue.keep(_is_wanted)
        return self._queue.due()

    def cost(self) -> float:
        """Seconds of the batch that is drawn next, with listening to what is new in it."""
        batch = self._queue.batch(self._sizes())
        return 0.0 if batch is None else batch.cost + cost_of(self._encoder, 1)

    def step(self) -> None:
        """Listen where nobody has yet, and draw a batch."""
        frames, size = self._queue.take(self._sizes())
        if not frames:
            return
        if not self._attempt(frames):
            # Only here: as long as the error is at hand, so is all that the batch was computed with.
            self._shrink(size, frames)

    def _attempt(self, frames: Sequence[Frame]) -> bool:
        """Draw these, or tell who waits that they cannot be; False where only memory was missing."""
        try:
            self._machine.hear(_unheard(frames))
            pixels = self._machine.draw(frames, self._decoder)
        except Exception as error:
            if is_out_of_memory(error):
                return False
            sharing = _by_utterance(frames)
            if len(sharing) == 1:
                log.exception("faces not drawn", frames=len(frames))
                self._give_up(frames, f"{type(error).__name__}: {error}")
                return True
        else:
            self._deliver(frames, pixels)
            return True
        # What is wrong with one is no concern of the others.
        for own in sharing:
            if not self._attempt(own):
                self._line_up(own)
        return True

    def _deliver(self, frames: Sequence[Frame], pixels: Sequence[bytes | None]) -> None:
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
        self._give_up(self._queue.clear(), f"{type(error).__name__}: {error}")

    # Within ----------------------------------------------------------------------------------------------

    def _take_in(self) -> None:
        while self._inbox:
            self._line_up(self._inbox.popleft())

    def _line_up(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            orders = frame.orders
            self._queue.add(
                frame, owner=orders, index=frame.number, playhead=orders.playhead, first=frame.first
            )

    def _sizes(self) -> Table:
        most = self._machine.renderer.sizes[-1]
        return {size: cost for size, cost in self._costs.items() if size <= most} or {most: UNKNOWN_BATCH}

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
        self._line_up(frames)

    def _give_up(self, frames: Sequence[Frame], why: str) -> None:
        if frames:
            log.warning("faces not drawn", frames=len(frames), reason=why)
        for frame in frames:
            message = f"The face cannot be drawn ({why}). The voice goes on without it."
            frame.orders.tell("face_failed", NAME, message)
            frame.orders.deliver(frame.promise, frame.patch(None))


def _is_wanted(frame: Frame) -> bool:
    return frame.wanted


def _by_utterance(frames: Sequence[Frame]) -> list[list[Frame]]:
    found: dict[int, list[Frame]] = {}
    for frame in frames:
        found.setdefault(id(frame.orders), []).append(frame)
    return list(found.values())


def _unheard(frames: Sequence[Frame]) -> list[Sound]:
    """Sounds of these frames whose features are not there yet, each once."""
    found = {id(frame.sound): frame.sound for frame in frames if frame.sound.features is None}
    return list(found.values())
