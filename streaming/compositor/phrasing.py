"""Hears in the patches of one session what its head and eyes answer to: phrases, pauses and stress.

Nothing here looks ahead, so it works for every face engine. A phrase ends where loudness falls below half of
what it was; the next one begins when the voice comes back.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from streaming.slots import Patch
from streaming.timing import SLOT_SECONDS

ATTACK_SECONDS, RELEASE_SECONDS = 0.12, 0.45
"""The head is heavy: it follows loudness over a tenth of a second and comes back over half a second."""
MEAN_SECONDS = 0.9
LEVEL_SECONDS = 2.0
"""How long a loud moment sets what counts as voice."""
VOICE_SHARE, VOICE_FLOOR = 0.5, 0.12
"""Voice is louder than this share of the level, and than the floor."""
END_SLOTS = 2
"""Slots without voice that end a phrase ..."""
PAUSE_SLOTS = 4
"""... and after which breath can be drawn and a new phrase begin."""
PHRASE_SLOTS = 7
"""Shorter bits of voice are no phrase that could end."""
SILENCE_SECONDS = 1.2
"""After this long without voice the next phrase opens a turn."""

ACCENT_GAIN = 2.0
ACCENT, STRESS = 0.30, 0.15
"""Rises of loudness over its mean and of the brow that count as stress."""
STRESS_APART = 0.40
"""Seconds between stresses: heads beat up to about twice a second."""
ATTACK_SLOTS, TAIL_SLOTS, DECAY_SLOTS = 3, 6, 3
LOUD_TAIL, TELLING_SLOTS = 1.04, 20
"""A phrase whose end is louder than its mean by this factor does not sound finished: voices fall towards the
end of statements. Slots in which loudness comes up or dies away do not count, and a phrase of fewer slots
than the last number tells nothing."""


class Moment(NamedTuple):
    """What is heard in one slot.

    Attributes:
        speaking: there is a patch.
        voiced: there is voice.
        energy: smoothed loudness, 0..1.
        brow: what the face engine asks of the brows, 0..1.
        began: a phrase begins in this slot.
        opening: it opens a turn.
        ended: a phrase is over in this slot.
        finished: no patch follows: the turn is over.
        raised: the ended phrase did not fall at its end, as questions do.
        stress: strength of a stress that begins in this slot, 0..1; 0 for none.
        quiet: slots without voice up to now; 0 while there is voice.
    """

    speaking: bool = False
    voiced: bool = False
    energy: float = 0.0
    brow: float = 0.0
    began: bool = False
    opening: bool = False
    ended: bool = False
    finished: bool = False
    raised: bool = False
    stress: float = 0.0
    quiet: float = 0.0


class Phrasing:
    """Follows one session's speech."""

    def __init__(self) -> None:
        self._spoke = False
        self._energy = self._mean = self._level = self._brow = self._accent = 0.0
        self._quiet = math.inf
        self._voice = 0.0
        self._in_phrase = False
        self._silent_seconds = math.inf
        self._since_stress = math.inf
        self._phrase_sum = self._phrase_count = 0.0
        self._tail: list[float] = []

    @property
    def energy(self) -> float:
        """Smoothed loudness, 0..1."""
        return self._energy

    def follow(self, slots: int, patch: Patch | None) -> Moment:
        """What is heard in the next slot.

        Args:
            slots: how many slots have passed since the last call; more than one when some were skipped.
            patch: of the slot; ``None`` is silence.
        """
        elapsed = slots * SLOT_SECONDS
        loudness = 0.0 if patch is None else _unit(patch.energy)
        rising = loudness > self._energy
        self._energy += (loudness - self._energy) * share(
            elapsed, ATTACK_SECONDS if rising else RELEASE_SECONDS
        )
        self._mean += (loudness - self._mean) * share(elapsed, MEAN_SECONDS)
        self._level = max(loudness, self._level * math.exp(-elapsed / LEVEL_SECONDS))
        voiced = loudness > max(VOICE_FLOOR, VOICE_SHARE * self._level)
        began = voiced and not self._in_phrase and (self._quiet >= PAUSE_SLOTS)
        opening = began and self._silent_seconds >= SILENCE_SECONDS
        self._since_stress += elapsed
        stress = self._stress(0.0 if patch is None else _unit(patch.brow), voiced, slots)
        if voiced:
            self._hear(loudness, slots, began)
        else:
            self._quiet += slots
            self._silent_seconds += elapsed
        finished = patch is None and self._spoke
        ended = self._in_phrase and (self._quiet >= END_SLOTS or finished)
        raised = ended and self._loud_tail()
        if ended:
            self._in_phrase = False
            self._voice = 0.0
        self._spoke = patch is not None
        return Moment(
            patch is not None,
            voiced,
            self._energy,
            self._brow,
            began,
            opening,
            ended,
            finished,
            raised,
            stress,
            self._quiet,
        )

    def _hear(self, loudness: float, slots: int, began: bool) -> None:
        if began:
            self._voice = 0.0
            self._phrase_sum = self._phrase_count = 0.0
            self._tail.clear()
        self._quiet = self._silent_seconds = 0.0
        self._voice += slots
        if self._voice > ATTACK_SLOTS:
            self._phrase_sum += loudness
            self._phrase_count += 1
        self._tail.append(loudness)
        del self._tail[: -TAIL_SLOTS - DECAY_SLOTS]
        if self._voice >= PHRASE_SLOTS:
            self._in_phrase = True

    def _stress(self, brow: float, voiced: bool, slots: int) -> float:
        accent = min(1.0, max(0.0, ACCENT_GAIN * (self._energy - self._mean)))
        before, self._accent = self._accent, accent
        brow_before, self._brow = self._brow, brow
        asked = brow if brow >= STRESS > brow_before else 0.0
        # A voice that sets in always gets louder.
        heard = accent if accent >= ACCENT > before and self._in_phrase else 0.0
        strength = max(asked and 0.45 + brow, heard and 0.25 + 0.5 * heard)
        if not voiced or strength == 0.0 or self._since_stress < STRESS_APART:
            return 0.0
        self._since_stress = 0.0
        return min(1.0, strength)

    def _loud_tail(self) -> bool:
        mean = self._phrase_sum / max(1.0, self._phrase_count)
        tail = self._tail[:-DECAY_SLOTS]
        return self._phrase_count >= TELLING_SLOTS and sum(tail) / len(tail) > LOUD_TAIL * mean


def share(elapsed: float, constant: float) -> float:
    """How much of a step a first-order filter takes in ``elapsed`` seconds."""
    return 1 - math.exp(-elapsed / constant)


def _unit(value: float) -> float:
    # A NaN compares false, and becomes 0.
    return min(value, 1.0) if value > 0 else 0.0
