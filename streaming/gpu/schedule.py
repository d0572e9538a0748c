"""Which step runs next: the least slack first, files when nobody is kept waiting by it. Plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

OFFLINE_RESERVE = 0.2
"""Seconds of slack that live steps keep when one for a file goes first. Only their next steps are known,
and those that follow are due soon after."""
LIVE_PATIENCE = 1.0
"""A step that is late and was passed over for so many seconds goes first, however late others are."""
OFFLINE_PATIENCE = 2.0
"""The same for steps that nobody waits for: where live ones leave no room, files go on slowly."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A step that could be made now.

    Attributes:
        due: monotonic second by which it is wanted; infinite when nobody waits.
        cost: seconds it is expected to take.
        since: monotonic second since when it could be made, or since its source was served last.
    """

    due: float
    cost: float
    since: float

    @property
    def offline(self) -> bool:
        """Whether nobody waits for it."""
        return self.due == math.inf

    @property
    def latest(self) -> float:
        """The last moment at which it can begin and still be in time."""
        return self.due - self.cost

    def starving(self, now: float) -> bool:
        """Whether it was passed over for too long."""
        if self.offline:
            return now - self.since >= OFFLINE_PATIENCE
        return now > self.latest and now - self.since >= LIVE_PATIENCE


def choose(offers: Sequence[Offer], now: float) -> int | None:
    """Index of the step to make next; ``None`` when there is none.

    Args:
        offers: one of each source that has something to do.
        now: monotonic seconds.
    """
    order = range(len(offers))
    if starving := [i for i in order if offers[i].starving(now)]:
        return min(starving, key=lambda i: offers[i].since)
    live = [i for i in order if not offers[i].offline]
    offline = [i for i in order if offers[i].offline]
    if offline:
        first = min(offline, key=lambda i: offers[i].since)
        if _has_room([offers[i] for i in live], now + offers[first].cost + OFFLINE_RESERVE):
            return first
    return min(live, key=lambda i: (offers[i].latest, offers[i].since)) if live else None


def _has_room(live: Sequence[Offer], begin: float) -> bool:
    """Whether all these are in time if the first of them begins then, one after another."""
    end = begin
    for offer in sorted(live, key=lambda offer: offer.due):
        end += offer.cost
        if end > offer.due:
            return False
    return True
