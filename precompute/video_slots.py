"""Any frame rate to ours, by the frames' own times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from streaming.timing import FPS

TOLERANCE = Fraction(2, 1000)
"""Seconds by which times may be rounded; WebM has whole milliseconds."""

T = TypeVar("T")


class Timed(NamedTuple, Generic[T]):
    """A frame, when it comes, and for how long it is shown if nothing comes after it, in seconds."""

    frame: T
    begins: Fraction
    lasts: Fraction


def fill_slots(frames: Iterable[Timed[T]]) -> Iterator[T]:
    """The frame that is on display in the middle of each slot of 1/25 s, from the first frame on.

    Slot ``n`` begins ``n / 25`` seconds after the first frame, so nothing drifts. Frames that come too fast
    are left out, gaps are filled by what was there before them, and what comes out of order is left out.

    Args:
        frames: in order of display.
    """
    shown: Timed[T] | None = None
    begin = Fraction(0)
    slot = 0
    for frame in frames:
        if shown is None:
            begin = frame.begins
        elif frame.begins <= shown.begins:
            continue
        else:
            while begin + _middle(slot) + TOLERANCE < frame.begins:
                yield shown.frame
                slot += 1
        shown = frame
    while shown is not None and begin + _middle(slot) <= shown.begins + shown.lasts:
        yield shown.frame
        slot += 1


def _middle(slot: int) -> Fraction:
    return Fraction(2 * slot + 1, 2 * FPS)
