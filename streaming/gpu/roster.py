"""All sources of work of a process, and one turn of the loop over them. It has no thread of its own."""

from __future__ import annotations

import structlog

from streaming.clock import Clock
from streaming.gpu.schedule import Offer, choose
from streaming.gpu.work import Work

log = structlog.get_logger(__name__)


class Roster:
    """Steps several sources of work, one step at a time.

    Args:
        clock: of the process.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._works: list[Work] = []
        # Since when each of those that have something to do has been waiting.
        self._since: dict[int, float] = {}

    def add(self, work: Work) -> None:
        """Take a source in."""
        self._works.append(work)

    def remove(self, work: Work) -> None:
        """Step it no more; nothing happens if it is not there."""
        self._works = [other for other in self._works if other is not work]
        self._since.pop(id(work), None)

    def turn(self) -> bool:
        """Make the step that is wanted first; whether there was one."""
        now = self._clock.now()
        works: list[Work] = []
        offers: list[Offer] = []
        for work in tuple(self._works):
            offer = self._ask(work, now)
            if offer is not None:
                works.append(work)
                offers.append(offer)
        chosen = choose(offers, now)
        if chosen is None:
            return False
        work = works[chosen]
        try:
            work.step()
        except Exception as error:
            self._tell(work, error)
        if id(work) in self._since:
            self._since[id(work)] = self._clock.now()
        return True

    def _ask(self, work: Work, now: float) -> Offer | None:
        try:
            due = work.due()
            if due is not None:
                return Offer(due, work.cost(), self._since.setdefault(id(work), now))
        except Exception as error:
            self._tell(work, error)
        self._since.pop(id(work), None)
        return None

    def _tell(self, work: Work, error: Exception) -> None:
        log.error("step failed", work=work.name, exc_info=error)
        try:
            work.failed(error)
        except Exception:
            # It would fail again and again, and keep the others waiting.
            log.exception("work dropped", work=work.name)
            self.remove(work)
