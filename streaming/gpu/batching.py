"""Which frames of which sessions are drawn next, in one batch: plain arithmetic over their deadlines.

Frames go in order of deadline, those of several sessions side by side. A larger batch costs less for each of
its frames and lets the first of them wait longer: so the largest is taken that is done before the earliest
deadline, and where that cannot be met any more, the one that draws most frames per second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streaming.gpu.admission import LONGEST_BATCH

FIRST_BATCH = 2
"""Frames of a batch that holds the first one of an utterance: somebody is waiting for an answer."""
OFFLINE_PATIENCE = 2.0
"""Seconds after which a frame of a file gets a place among live ones that are all urgent."""
PADDING_WORTH = 0.9
"""A larger batch, a part of it empty, is taken if it draws at least this share of the frames per second of
the best smaller one."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A frame that could be drawn now.

    Attributes:
        due: monotonic second at which it has to be there; infinite for a file.
        since: monotonic second since when it could be drawn.
        first: it is the first one of its utterance.
    """

    due: float
    since: float
    first: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What to draw next.

    Attributes:
        chosen: indices of the frames, the most urgent first; at most ``size``.
        size: of the batch; what is not chosen of it is padding.
        cost: seconds it takes.
    """

    chosen: tuple[int, ...]
    size: int
    cost: float


def pick_batch(
    pending: Sequence[Pending],
    costs: Mapping[int, float],
    now: float,
    longest: float = LONGEST_BATCH,
) -> Batch | None:
    """The batch to draw next; ``None`` when no frame is pending.

    Args:
        pending: frames of all sessions, in any order.
        costs: seconds by batch size, with the decoder that these frames ask for; not empty.
        now: monotonic seconds.
        longest: no batch takes longer, save the smallest.
    """
    if not pending:
        return None
    costs = {size: cost for size, cost in costs.items() if cost <= longest or size == min(costs)}
    order = sorted(range(len(pending)), key=lambda i: (pending[i].due, pending[i].since, i))
    live = [i for i in order if pending[i].due < math.inf]
    offline = order[len(live) :]
    if not live:
        return _batch(offline, _most_frames(costs, len(offline)), costs)
    earliest = pending[live[0]].due
    if any(pending[i].first for i in live[:FIRST_BATCH]):
        size = _holding(costs, min(FIRST_BATCH, len(live)))
        return _batch(live + offline, size, costs)
    in_time = {size: cost for size, cost in costs.items() if now + cost <= earliest}
    size = _largest_worth(in_time, len(live)) if in_time else _most_frames(costs, len(live))
    if size >= len(live):
        # All live frames are in; a larger batch for the sake of a file must still be in time.
        size = max(size, _largest_worth(in_time, len(live) + len(offline)) if in_time else size)
    elif offline and now - pending[offline[0]].since >= OFFLINE_PATIENCE:
        # Live frames alone would take every place for as long as they are late.
        return _batch([*live[: size - 1], offline[0]], size, costs)
    return _batch(live + offline, size, costs)


def _batch(order: Sequence[int], size: int, costs: Mapping[int, float]) -> Batch:
    return Batch(tuple(order[:size]), size, costs[size])


def _holding(costs: Mapping[int, float], frames: int) -> int:
    """The smallest size that holds so many, or the largest that there is."""
    return min((size for size in costs if size >= frames), default=max(costs))


def _useful(costs: Mapping[int, float], frames: int) -> dict[int, float]:
    """Frames per second by size, without sizes that hold no more of so many frames than a smaller one."""
    return {
        size: min(size, frames) / cost
        for size, cost in costs.items()
        if size <= frames or size == _holding(costs, frames)
    }


def _most_frames(costs: Mapping[int, float], frames: int) -> int:
    """The size that draws so many frames fastest."""
    speeds = _useful(costs, frames)
    return max(speeds, key=lambda size: (speeds[size], -size))


def _largest_worth(costs: Mapping[int, float], frames: int) -> int:
    """The largest size, unless its padding costs more than it brings."""
    speeds = _useful(costs, frames)
    best = max(speeds.values())
    return max(size for size, speed in speeds.items() if speed >= PADDING_WORTH * best)
