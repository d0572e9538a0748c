"""Frames of all sessions that could be drawn now, until a batch takes them."""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from streaming.clock import Clock
from streaming.gpu.admission import LONGEST_BATCH
from streaming.gpu.batching import Batch, Pending, pick_batch
from streaming.playhead import Playhead
from streaming.timing import SLOT_SECONDS

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
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
    """What a source of face batches draws from; one for each decoder. May be used on any thread.

    Args:
        clock: of the process.
        lead: seconds before its slot is played at which a frame is wanted, for its way to the sink.
    """

    def __init__(self, clock: Clock, lead: float = 0.0) -> None:
        self._clock, self._lead = clock, lead
        # Of each utterance in order of its slots, so that only the beginnings need be looked at.
        self._owners: dict[Hashable, deque[_Entry[T]]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return sum(len(entries) for entries in self._owners.values())

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
            entries = self._owners.setdefault(owner, deque())
            if entries and index < entries[-1].index:
                # One that could not be drawn comes back.
                entries.insert(bisect.bisect([known.index for known in entries], index), entry)
            else:
                entries.append(entry)

    def drop(self, owner: Hashable) -> None:
        """Nobody wants the frames of this utterance any more."""
        with self._lock:
            self._owners.pop(owner, None)

    def keep(self, wanted: Callable[[T], bool]) -> None:
        """Drop all frames but these."""
        with self._lock:
            kept = {
                owner: deque(entry for entry in entries if wanted(entry.item))
                for owner, entries in self._owners.items()
            }
            self._owners = {owner: entries for owner, entries in kept.items() if entries}

    def clear(self) -> list[T]:
        """Take all frames out."""
        with self._lock:
            owners, self._owners = self._owners, {}
        return [entry.item for entries in owners.values() for entry in entries]

    def due(self) -> float | None:
        """When the most urgent one is wanted; see :class:`streaming.gpu.work.Work`."""
        with self._lock:
            return min((entries[0].due - self._lead for entries in self._owners.values()), default=None)

    def batch(self, costs: Mapping[int, float], longest: float = LONGEST_BATCH) -> Batch | None:
        """The batch that :meth:`take` would take now; see :func:`streaming.gpu.batching.pick_batch`."""
        with self._lock:
            return self._pick(self._urgent(max(costs)), costs, longest)

    def take(self, costs: Mapping[int, float], longest: float = LONGEST_BATCH) -> tuple[list[T], int]:
        """Take out what is drawn next, the most urgent first, and the size of its batch; ([], 0): nothing."""
        with self._lock:
            urgent = self._urgent(max(costs))
            batch = self._pick(urgent, costs, longest)
            if batch is None:
                return [], 0
            taken = [urgent[i] for i in batch.chosen]
            for entry in taken:
                entries = self._owners[entry.owner]
                entries.remove(entry)
                if not entries:
                    del self._owners[entry.owner]
        return [entry.item for entry in taken], batch.size

    def _urgent(self, largest: int) -> list[_Entry[T]]:
        """All that could matter for a batch of at most ``largest``: so many live frames, so many of files."""
        live: list[deque[_Entry[T]]] = []
        files: list[deque[_Entry[T]]] = []
        for entries in self._owners.values():
            (files if entries[0].due == math.inf else live).append(entries)
        # One more than fit, so that it is seen whether any are left.
        first = itertools.islice(heapq.merge(*live, key=lambda entry: entry.due), largest + 1)
        return [*first, *itertools.islice(heapq.merge(*files, key=lambda entry: entry.since), largest)]

    def _pick(self, urgent: Sequence[_Entry[T]], costs: Mapping[int, float], longest: float) -> Batch | None:
        pending = [Pending(entry.due - self._lead, entry.since, entry.first) for entry in urgent]
        return pick_batch(pending, costs, self._clock.now(), longest)
