"""Frames of all sessions that could be drawn now, until a batch takes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from streaming.clock import Clock
from streaming.gpu.admission import LONGEST_BATCH
from streaming.gpu.batching import Batch, Pending, pick_batch
from streaming.playhead import Playhead
from streaming.timing import SLOT_SECONDS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    item: T
    owner: Hashable
    index: int
    playhead: Playhead
    since: float
    first: bool

    @property
    def due(self) -> float:
        return self.playhead.due(self.index * SLOT_SECONDS)


class FrameQueue(Generic[T]):
    """What a source of face batches hands out; one for each decoder. May be used on any thread.

    Args:
        clock: of the process.
        lead: seconds before its slot is played at which a frame is wanted, for its way to the sink.
    """

    def __init__(self, clock: Clock, lead: float = 0.0) -> None:
        self._clock, self._lead = clock, lead
        self._entries: list[_Entry[T]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def add(
        self, item: T, *, owner: Hashable, index: int, playhead: Playhead, first: bool | None = None
    ) -> None:
        """A frame can be drawn.

        Args:
            item: what it is drawn from.
            owner: its utterance.
            index: of its slot in the utterance.
            playhead: of the utterance.
            first: whether the utterance has no frame before it; ``None``: if its index is 0.
        """
        begins = index == 0 if first is None else first
        entry = _Entry(item, owner, index, playhead, self._clock.now(), begins)
        with self._lock:
            self._entries.append(entry)

    def drop(self, owner: Hashable) -> None:
        """Nobody wants the frames of this utterance any more."""
        with self._lock:
            self._entries = [entry for entry in self._entries if entry.owner != owner]

    def keep(self, wanted: Callable[[T], bool]) -> None:
        """Drop all frames but these."""
        with self._lock:
            self._entries = [entry for entry in self._entries if wanted(entry.item)]

    def clear(self) -> list[T]:
        """Take all frames out."""
        with self._lock:
            entries, self._entries = self._entries, []
        return [entry.item for entry in entries]

    def due(self) -> float | None:
        """When the most urgent one is wanted; see :class:`streaming.gpu.work.Work`."""
        with self._lock:
            return min((entry.due - self._lead for entry in self._entries), default=None)

    def batch(self, costs: Mapping[int, float], longest: float = LONGEST_BATCH) -> Batch | None:
        """The batch that :meth:`take` would take now; see :func:`streaming.gpu.batching.pick_batch`."""
        with self._lock:
            return self._pick(costs, longest)

    def take(self, costs: Mapping[int, float], longest: float = LONGEST_BATCH) -> tuple[list[T], int]:
        """Take out what is drawn next, the most urgent first, and the size of its batch; ([], 0): nothing."""
        with self._lock:
            batch = self._pick(costs, longest)
            if batch is None:
                return [], 0
            chosen = set(batch.chosen)
            taken = [self._entries[i].item for i in batch.chosen]
            self._entries = [entry for i, entry in enumerate(self._entries) if i not in chosen]
        return taken, batch.size

    def _pick(self, costs: Mapping[int, float], longest: float) -> Batch | None:
        pending = [Pending(entry.due - self._lead, entry.since, entry.first) for entry in self._entries]
        return pick_batch(pending, costs, self._clock.now(), longest)
