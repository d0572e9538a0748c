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
from streaming.gpu.costs import cheapest_each
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

    def lost(self, moment: float) -> bool:
        """Whether its slot goes without it, if it is drawn at that moment."""
        playhead = self.playhead
        return playhead.started and not self.first and max(self.due, playhead.waits_until) < moment


class FrameQueue(Generic[T]):
    """What a source of face batches draws from; one for each decoder. May be used on any thread.

    Slots do not wait for frames that are late. So what can no longer be in time is drawn only when nothing
    else is left: with a little too much to do, most frames are still shown. In order of deadline alone each
    of them would be drawn a little too late.

    Args:
        clock: of the process.
        lead: seconds before its slot is played at which a frame is wanted, for its way to the sink.
    """

    def __init__(self, clock: Clock, lead: float = 0.0) -> None:
        self._clock, self._lead = clock, lead
        # Of each utterance in order of its slots, so that only the beginnings need be looked at.
        self._owners: dict[Hashable, deque[_Entry[T]]] = {}
        # Seconds that the smallest batch takes.
        self._least = 0.0
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
            moment = self._soonest
            left = (
                (entry for entry in entries if not entry.lost(moment)) for entries in self._owners.values()
            )
            firsts = [entry.due for entry in (next(entries, None) for entries in left) if entry is not None]
            firsts = firsts or [entries[0].due for entries in self._owners.values()]
            return min(firsts) - self._lead if firsts else None

    def batch(self, costs: Mapping[int, float], longest: float = LONGEST_BATCH) -> Batch | None:
        """The batch that :meth:`take` would take now; see :func:`streaming.gpu.batching.pick_batch`."""
        with self._lock:
            return self._pick(self._urgent(costs), costs, longest)

    def take(self, costs: Mapping[int, float], longest: float = LONGEST_BATCH) -> tuple[list[T], int]:
        """Take out what is drawn next, the most urgent first, and the size of its batch; ([], 0): nothing."""
        with self._lock:
            urgent = self._urgent(costs)
            batch = self._pick(urgent, costs, longest)
            if batch is None:
                return [], 0
            taken = [urgent[i] for i in batch.chosen]
            for entry in taken:
                entries = self._owners[entry.owner]
                entries.remove(entry)
                # Who was served waits for the others where there is too much to do.
                del self._owners[entry.owner]
                if entries:
                    self._owners[entry.owner] = entries
        return [entry.item for entry in taken], batch.size

    @property
    def _soonest(self) -> float:
        """When what is drawn now is there."""
        return self._clock.now() + self._least + self._lead

    def _urgent(self, costs: Mapping[int, float]) -> list[_Entry[T]]:
        """All that could matter for a batch: as many live frames as the largest holds, so many of files."""
        largest, self._least = max(costs), min(costs.values())
        live: list[deque[_Entry[T]]] = []
        files: list[deque[_Entry[T]]] = []
        for entries in self._owners.values():
            (files if entries[0].due == math.inf else live).append(entries)
        moment = self._soonest
        # In order, so those that can no longer be in time come first.
        overdue = any(entries[0].lost(moment) for entries in live)
        first = self._in_turn(live, costs) if overdue else []
        # One more than fit, so that it is seen whether any are left.
        first = first or itertools.islice(heapq.merge(*live, key=lambda entry: entry.due), largest + 1)
        return [*first, *itertools.islice(heapq.merge(*files, key=lambda entry: entry.since), largest)]

    def _in_turn(self, live: Sequence[deque[_Entry[T]]], costs: Mapping[int, float]) -> list[_Entry[T]]:
        """Where not all can be in time: of those that can, one of each utterance in turn."""
        size = cheapest_each(costs, LONGEST_BATCH)
        moment = self._clock.now() + costs[size] + self._lead
        answers_first = sorted(live, key=lambda entries: not entries[0].first)
        in_time = (
            itertools.dropwhile(lambda entry: entry.lost(moment), entries) for entries in answers_first
        )
        turns = itertools.chain.from_iterable(itertools.zip_longest(*in_time))
        return list(itertools.islice((entry for entry in turns if entry is not None), size + 1))

    def _pick(self, urgent: Sequence[_Entry[T]], costs: Mapping[int, float], longest: float) -> Batch | None:
        pending = [Pending(entry.due - self._lead, entry.since, entry.first) for entry in urgent]
        return pick_batch(pending, costs, self._clock.now(), longest)
