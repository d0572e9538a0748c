"""What each kind of step costs on a card, as measured or predicted."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

Table = dict[int, float]
"""Seconds by size of the step: frames in a face batch, windows of sound, sentences, frames of codes."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds by kind and size of step. A table that is empty stands for what does not run on the card.

    Attributes:
        face: by decoder: a batch of so many frames through the UNet and that decoder.
        encoder: so many windows of sound through the audio encoder.
        speech: a step of the talker for so many sentences, which makes 80 ms of sound for each.
        codec: so many frames of codes (80 ms each) of one sentence to sound.
    """

    face: dict[str, Table] = {}
    encoder: Table = {}
    speech: Table = {}
    codec: Table = {}


def cost_of(table: Mapping[int, float], size: int) -> float:
    """Seconds that a step of that size takes: padded to the next known size, in parts beyond the last.

    0 for nothing, and where the table is empty.
    """
    if not table or size <= 0:
        return 0.0
    largest = max(table)
    whole, rest = divmod(size, largest)
    padded = min((known for known in table if known >= rest), default=largest) if rest else 0
    return whole * table[largest] + (table[padded] if padded else 0.0)


def cheapest_each(table: Mapping[int, float], longest: float = math.inf, most: int | None = None) -> int:
    """The size that costs least for each of its parts; the smallest, if all others are too long or too large.

    Args:
        table: not empty.
        longest: seconds that a step may take.
        most: parts that can be had at a time.
    """
    smallest = min(table)
    fitting = [
        size for size, cost in table.items() if cost <= longest and (most is None or size <= most)
    ] or [smallest]
    return min(fitting, key=lambda size: (table[size] / size, size))
