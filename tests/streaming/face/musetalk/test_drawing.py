"""Batches of faces, and what happens when memory runs out in one."""

import weakref
from types import SimpleNamespace
from typing import Any

from streaming.clock import SystemClock
from streaming.face.musetalk.drawing import Drawing
from streaming.playhead import Playhead


class Large:
    """What a batch is computed with."""


class Orders:
    """Of one utterance."""

    playhead: Playhead
    tell: Any
    deliver: Any


class Machine:
    """Has memory for two frames at a time."""

    def __init__(self) -> None:
        self.held: list[weakref.ref[Large]] = []
        self.at_limit: list[bool] = []
        self.renderer: Any = SimpleNamespace(sizes=(1, 2, 4), limit=self.limit)

    def hear(self, sounds: Any) -> None:
        pass

    def draw(self, frames: list[Any], decoder: str) -> list[bytes | None]:
        if len(frames) > 2:
            activations = Large()
            self.held.append(weakref.ref(activations))
            raise MemoryError
        return [b"planes"] * len(frames)

    def limit(self, size: int) -> None:
        self.at_limit += [reference() is not None for reference in self.held]
        self.renderer.sizes = tuple(known for known in self.renderer.sizes if known <= size)


def test_what_a_batch_took_is_free_before_smaller_ones_are_prepared() -> None:
    clock = SystemClock()
    machine = Machine()
    drawing = Drawing(machine, "taesd", clock)  # pyright: ignore[reportArgumentType]
    told: list[str] = []
    delivered: list[int] = []
    orders = Orders()
    orders.playhead = Playhead(clock, "offline")
    orders.tell = lambda code, *_: told.append(code)
    orders.deliver = lambda promise, _: delivered.append(promise)
    frames: list[Any] = [
        SimpleNamespace(
            orders=orders,
            number=number,
            promise=number,
            first=number == 0,
            wanted=True,
            sound=SimpleNamespace(features=()),
            patch=lambda pixels: pixels,
        )
        for number in range(4)
    ]
    drawing.submit(frames)
    while drawing.due() is not None:
        drawing.step()
    assert machine.at_limit == [False] and "memory_low" in told
    assert sorted(delivered) == [0, 1, 2, 3]
