"""The course of one blink.

Lids fall about twice as fast as they rise: 92 ms down and 242 ms up on average, by VanderWerf, Brassinga,
Reits, Aramideh and Ongerboer de Visser, "Eyelid movements: behavioral studies of blinking in humans under
different stimulus conditions" (2003). A blink need not close the eye: a fifth of them are incomplete, by
Cardona, Garcia, Seres, Vilaseca and Gispets, "Blink rate, blink amplitude, and tear film integrity during
dynamic visual display terminal tasks" (2011).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

FALL = (1.9, 2.6)
"""Slots in which the lids fall, from quick to slow."""
HOLD = (1.0, 1.6)
"""Slots for which they stay down; at least one, so that a frame shows them shut."""
RISE = (3.6, 5.6)
SLOWING = 1.7
"""Lids rise fast at first; this exponent makes their end slow."""
HALF_BLINKS = 0.15
"""Share of blinks that close the eye in part, and how far they do."""
HALF_DEPTH = (0.45, 0.8)


class Blink(NamedTuple):
    """One blink.

    Attributes:
        start: the moment in slots at which the lids begin to fall; need not be whole.
        fall: slots.
        hold: slots.
        rise: slots.
        depth: closure reached, 0..1.
    """

    start: float
    fall: float
    hold: float
    rise: float
    depth: float

    @property
    def end(self) -> float:
        """The moment at which the eye is open again, in slots."""
        return self.start + self.fall + self.hold + self.rise

    def closure(self, index: float) -> float:
        """How far the lids are closed in slot ``index``, 0..1."""
        since = index - self.start
        if since <= 0 or index >= self.end:
            return 0.0
        if since < self.fall:
            part = since / self.fall
            return self.depth * part * part * (3 - 2 * part)
        since -= self.fall + self.hold
        return self.depth if since <= 0 else self.depth * (1 - since / self.rise) ** SLOWING


def draw_blink(start: float, draw: Callable[[], float], *, whole: bool = False) -> Blink:
    """A blink of ordinary form.

    Args:
        start: moment in slots.
        draw: gives chance numbers in 0..1; called four times.
        whole: never a half blink.
    """
    fall, hold, rise = (low + draw() * (high - low) for low, high in (FALL, HOLD, RISE))
    lot = draw()
    if whole or lot >= HALF_BLINKS:
        return Blink(start, fall, hold, rise, 1.0)
    low, high = HALF_DEPTH
    # A lid that falls less far needs less time.
    return Blink(start, fall, hold, rise * 0.8, low + lot / HALF_BLINKS * (high - low))
