"""What a speaker's eyes do with the phrases: away to think as a turn opens, back to the viewer as it ends.

Speakers look away as they begin and seek the other's eyes as they finish (Kendon, "Some functions of
gaze-direction in social interaction", 1967); while they talk they look at the other for about 3.1 s and away
for 0.9 s (Lee, Badler and Badler 2002). They blink where speech breaks: at its end and in pauses (Nakano and
Kitazawa, "Eyeblink entrainment at breakpoints of speech", 2010).
"""

from __future__ import annotations

from collections.abc import Callable

from streaming.compositor.blink import Blink, draw_blink
from streaming.compositor.chance import chance
from streaming.compositor.idle_eyes import glance_direction
from streaming.compositor.phrasing import Moment
from streaming.timing import FPS

THINKS, WANDERS = 0.55, 0.22
"""Share of turns, and of later phrases, that begin with a look away."""
AWAY = (0.4 * FPS, 1.05 * FPS)
AWAY_AFTER = (0.0, 0.35 * FPS)
"""Slots for which that look lasts, and slots until it begins."""
ATTENTIVE = round(1.6 * FPS)
"""Slots after a phrase's end in which the eyes stay with the viewer."""
BLINKS_AT_END, BLINKS_AT_LAST = 0.50, 0.75
"""Share of phrases' and of turns' ends with a blink."""
BLINK_AFTER = (0.0, 0.28 * FPS)
BLINKS_AT_LOOK = 0.35
CLEAR = round(0.9 * FPS)
"""No blink is added when there is another one within this many slots."""

_LOOK, _BLINK = 3000, 3100


class EyeReactions:
    """Follows one session's speech.

    Args:
        seed: of the session.
        blinks: whether idle life blinks in slots ``first .. stop``.

    Attributes:
        glance: where speech makes the eyes look, or ``None``.
        attentive: the eyes should not leave the viewer now.
        closure: what it adds to the lids, 0..1.
    """

    def __init__(self, seed: int, blinks: Callable[[int, int], bool]) -> None:
        self._seed = seed
        self._blinks = blinks
        self._away: tuple[float, float, tuple[float, float]] = (0.0, 0.0, (0.0, 0.0))
        self._until = 0.0
        self._blink: Blink | None = None
        self.glance: tuple[float, float] | None = None
        self.attentive = False
        self.closure = 0.0

    def follow(self, index: int, moment: Moment) -> None:
        """Move on to slot ``index``."""
        if moment.began and self._chance(_LOOK, index) < (THINKS if moment.opening else WANDERS):
            self._look_away(index)
        if moment.ended or moment.finished:
            self._until = index + ATTENTIVE
            if self._chance(_BLINK, index) < (BLINKS_AT_LAST if moment.finished else BLINKS_AT_END):
                self._add_blink(index + _between(BLINK_AFTER, self._chance(_BLINK + 1, index)), index)
        start, end, direction = self._away
        self.attentive = index < self._until
        self.glance = direction if start <= index < end and not self.attentive else None
        self.closure = self._blink.closure(index) if self._blink is not None else 0.0

    def _look_away(self, index: int) -> None:
        lots = [self._chance(_LOOK + k, index) for k in range(1, 6)]
        start = index + _between(AWAY_AFTER, lots[0])
        self._away = start, start + _between(AWAY, lots[1]), glance_direction(lots[2], lots[3])
        self._until = index
        if lots[4] < BLINKS_AT_LOOK:
            self._add_blink(start - 0.6, index)

    def _add_blink(self, start: float, index: int) -> None:
        recent = self._blink is not None and index < self._blink.end + CLEAR
        if recent or self._blinks(index - CLEAR, index + CLEAR):
            return
        numbers = iter(range(_BLINK + 2, _BLINK + 6))
        self._blink = draw_blink(start, lambda: self._chance(next(numbers), index))

    def _chance(self, stream: int, index: int) -> float:
        return chance(self._seed, stream, index)


def _between(bounds: tuple[float, float], lot: float) -> float:
    return bounds[0] + lot * (bounds[1] - bounds[0])
