"""The breath of somebody who speaks: in quickly where speech pauses, out slowly along with the words.

In speech an inhalation takes about half a second, mostly at phrase boundaries, and starts deeper than at
rest; the air then lasts for some seconds of words (Fuchs and Rochet-Capellan, "The respiratory foundations of
spoken language", 2021).
"""

from __future__ import annotations

from streaming.compositor.phrasing import Moment, share
from streaming.timing import SLOT_SECONDS

DEPTH = 2.9
"""Pixels that the chest rises from empty to full."""
EMPTY_SECONDS = 5.0
"""Seconds of words that a full chest lasts for."""
INHALE_SECONDS = 0.10
"""Time constant, taken twice: most of the air is in after 0.4 s."""
EXHALE_SECONDS = 0.20
LEAST = 0.08
BREATH_SLOTS = 7
"""Air is drawn for so long at least, even when words begin meanwhile; also as a turn opens."""
PAUSE_SLOTS = 6
"""Pauses of this length are used to breathe ..."""
LEAST_NEED = 0.2
"""... when this much air is gone."""


class SpeechBreath:
    """Follows one session's speech.

    Attributes:
        lift: how far the chest is raised, in pixels at the typical eye span.
    """

    def __init__(self) -> None:
        self._air = self._drawn = self._chest = 0.5
        self._inhaling = 0
        self._spoke = False
        self.lift = DEPTH * self._chest

    def follow(self, slots: int, moment: Moment, idle: float) -> None:
        """Move on by ``slots``.

        Args:
            slots: since the last call.
            moment: what is heard.
            idle: how far idle life raises the chest now, in the same pixels: where a turn takes over.
        """
        elapsed = slots * SLOT_SECONDS
        if moment.speaking and not self._spoke:
            self._inhaling = BREATH_SLOTS
            self._air = self._drawn = self._chest = min(1.0, idle / DEPTH)
        self._spoke = moment.speaking
        if moment.speaking and moment.quiet >= PAUSE_SLOTS and self._air < 1 - LEAST_NEED:
            self._inhaling = BREATH_SLOTS
        inhaling = self._inhaling > 0 and moment.speaking
        self._inhaling = max(0, self._inhaling - slots)
        self._air = 1.0 if inhaling else max(LEAST, self._air - elapsed / EMPTY_SECONDS)
        part = share(elapsed, INHALE_SECONDS if inhaling else EXHALE_SECONDS)
        self._drawn += (self._air - self._drawn) * part
        self._chest += (self._drawn - self._chest) * part
        self.lift = DEPTH * self._chest
