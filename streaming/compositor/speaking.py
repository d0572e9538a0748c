"""What speech does to head, eyes and breath: the part of a head's life that remembers."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from streaming.compositor.breathing import SpeechBreath
from streaming.compositor.gestures import HeadGestures, Offsets
from streaming.compositor.phrasing import Phrasing, share
from streaming.compositor.reactions import EyeReactions
from streaming.slots import Patch
from streaming.timing import SLOT_SECONDS

COME_SECONDS, GO_SECONDS = 0.18, 0.55
"""Time constants with which speech takes over from idle life, and gives way to it."""
LISTLESS = 0.35
"""Liveliness of a speaker who pauses; one who speaks loudly has 1."""
GONE = 0.002
"""Below this presence speech has no part in the frame."""


class Speaking(NamedTuple):
    """What speech does to one frame.

    Attributes:
        presence: 0 for idle life .. 1 for a speaker.
        liveliness: how much the head moves beside its gestures, 0..1.
        head: added to shifts (pixels), roll, yaw and pitch (radians).
        brow: added to the brows, 0..1.
        breath: how far the chest is raised, in pixels at the typical eye span; counts by ``presence``.
        glance: where the eyes look instead of where idle life has them look.
        attentive: the eyes stay with the viewer.
        closure: of the lids, beside idle life's, 0..1.
    """

    presence: float = 0.0
    liveliness: float = 0.0
    head: Offsets = (0.0, 0.0, 0.0, 0.0, 0.0)
    brow: float = 0.0
    breath: float = 0.0
    glance: tuple[float, float] | None = None
    attentive: bool = False
    closure: float = 0.0


SILENT = Speaking()


class IdleLife(Protocol):
    """What speech must know of the life that it joins."""

    seed: int
    scale: float

    def blinks(self, first: int, stop: int) -> bool:
        """Whether idle life blinks in any of these slots."""
        ...

    def breath(self, index: int) -> float:
        """How far idle life raises the chest in a slot, in pixels at the typical eye span."""
        ...


class SpeechMotion:
    """Follows one session's patches.

    Args:
        life: of the same session.
    """

    def __init__(self, life: IdleLife) -> None:
        self._life = life
        self._phrasing = Phrasing()
        self._gestures = HeadGestures(life.seed, life.scale)
        self._eyes = EyeReactions(life.seed, life.blinks)
        self._breath = SpeechBreath()
        self._index: int | None = None
        self._presence = 0.0
        self._active = False

    def follow(self, index: int, patch: Patch | None) -> Speaking:
        """What speech does in slot ``index``; ``None`` is silence. Slots may be skipped."""
        slots = 1 if self._index is None else max(1, index - self._index)
        self._index = index
        if patch is None and not self._active:
            return SILENT
        if not self._active:
            # What was before is long over.
            self._phrasing, self._active = Phrasing(), True
        moment = self._phrasing.follow(slots, patch)
        wanted, constant = (1.0, COME_SECONDS) if moment.speaking else (0.0, GO_SECONDS)
        self._presence += (wanted - self._presence) * share(slots * SLOT_SECONDS, constant)
        self._gestures.follow(index, slots, moment)
        self._eyes.follow(index, moment)
        self._breath.follow(slots, moment, self._life.breath(index))
        if not moment.speaking and self._presence < GONE:
            self._active = False
            return SILENT
        gestures, eyes = self._gestures, self._eyes
        return Speaking(
            self._presence,
            self._presence * (LISTLESS + (1 - LISTLESS) * moment.energy),
            gestures.head,
            gestures.brow,
            self._breath.lift,
            eyes.glance,
            eyes.attentive,
            eyes.closure,
        )
