"""From what a mouth should do in each frame to patches: what every face of the mouth atlas ends with.

Lips and jaw have a highest speed, closings begin early enough to arrive, pressed and bitten pictures show
only on a mouth that is nearly shut, and an utterance ends near rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.face.accents import Accents
from streaming.face.emphasis import Emphasis
from streaming.face.loudness import Loudness
from streaming.slots import MouthShape
from streaming.timing import FPS

LEAD_SECONDS = 0.020
"""Lips are shown this much ahead of the sound: people are used to see speech before they hear it."""
MOMENT_SECONDS = 0.5 / FPS + LEAD_SECONDS
"""A frame shows the mouth of the moment this long after the frame's start."""
OPEN_LIMIT, CLOSE_LIMIT = 0.36, 0.40
"""How far the jaw opens and closes per frame."""
WIDTH_LIMIT = 0.45
"""How far the corners of the mouth move per frame."""
FORCED_BITE = 0.95
"""The least bite of a frame in which the lip must be seen under the teeth."""
NEARLY_SHUT = 0.15
"""Press and bite fade out up to this aperture: their pictures are made from a closed mouth."""
ENDING = (0.75, 0.35)
"""Width and tongue are scaled by these in the last frames, so that rest is near."""
_FOLLOWERS = 3
"""A jaw that is wide open shuts within this many frames."""
_ROUNDING = 1e-9


@dataclass(slots=True)
class Target:
    """What the mouth should do in one frame, before it is known how fast it gets there.

    Attributes:
        aperture: as those below, what :class:`streaming.slots.MouthShape` calls so.
        brow: ``None`` leaves the brows to the loudness of the voice.
        ahead: apertures of the next frames as far as they can be foreseen. ``None``: the next targets will
            come, and the frame may wait for them.
        closure: whether the lips must be seen shut, or the lip under the teeth, in this frame.
    """

    aperture: float
    width: float
    press: float
    bite: float
    tongue: float
    brow: float | None = None
    energy: float = 0.0
    ahead: Sequence[float] | None = None
    closure: bool = False

    def shut(self, press: bool) -> None:
        """Show the lips shut (``press``), or the lower lip under the teeth."""
        self.closure = True
        self.aperture = 0.0
        self.tongue = 0.0
        if press:
            self.press, self.bite = 1.0, 0.0
        else:
            self.press, self.bite = 0.0, max(self.bite, FORCED_BITE)


class Finishing:
    """Turns the targets of one utterance into patches, in order, one for each."""

    def __init__(self) -> None:
        self._loudness = Loudness()
        self._emphasis = Emphasis()
        self._accents = Accents()
        self._targets: list[Target] = []
        self._aperture = 0.0
        self._width = 0.0
        self._shown = 0.0
        # A closure that came too suddenly to be reached: it is shown a frame late.
        self._owed: Target | None = None

    def hear(self, pcm: NDArray[np.float32]) -> None:
        """Take the sound of the frames: it has to be here before their targets."""
        self._loudness.add(pcm)

    def end(self) -> None:
        """No more sound comes."""
        self._loudness.finish()

    def add(self, target: Target) -> None:
        """Take the target of the next frame. Opening lags behind: jaw and corners have a highest speed."""
        target.energy = self._loudness.take()
        raised = self._accents.take(target.energy)
        if target.brow is None:
            target.brow = raised
        if self._owed is not None:
            target.shut(press=self._owed.press == 1.0)
        wanted = min(target.aperture * self._emphasis.take(self._loudness.decibels), 1.0)
        target.aperture = self._aperture = min(wanted, self._aperture + OPEN_LIMIT)
        low, high = self._width - WIDTH_LIMIT, self._width + WIDTH_LIMIT
        target.width = self._width = min(max(target.width, low), high)
        self._targets.append(target)

    def take(self) -> list[MouthShape]:
        """Patches of the frames that no later frame can change. Closing begins a frame or two early."""
        targets = self._targets
        count = len(targets)
        ahead = targets[-1].ahead if targets else None
        if ahead is None:
            # A frame that is open wider than the jaw can close until the first unknown frame has to wait.
            count = next((i for i in range(count) if targets[i].aperture > CLOSE_LIMIT * (count - i)), count)
        return self._release(count, [target.aperture for target in targets] + list(ahead or ()))

    def rest(self) -> list[MouthShape]:
        """Patches of all frames that are left; the utterance ends, and the mouth comes to rest."""
        for target, scale in zip(reversed(self._targets), reversed(ENDING), strict=False):
            target.width *= scale
            target.tongue *= scale
        return self._release(len(self._targets), [*(t.aperture for t in self._targets), 0.0])

    def _release(self, count: int, apertures: Sequence[float]) -> list[MouthShape]:
        patches: list[MouthShape] = []
        for i in range(count):
            aperture = apertures[i]
            for ahead, follower in enumerate(apertures[i + 1 : i + 1 + _FOLLOWERS], start=1):
                aperture = min(aperture, follower + CLOSE_LIMIT * ahead)
            self._owed = None
            if aperture < self._shown - CLOSE_LIMIT - _ROUNDING:
                # Nobody saw it coming.
                aperture = self._shown - CLOSE_LIMIT
                self._owed = self._targets[i] if self._targets[i].closure else None
            self._shown = aperture
            patches.append(_patch(self._targets[i], aperture))
        del self._targets[:count]
        return patches


def _patch(target: Target, aperture: float) -> MouthShape:
    shut = max(0.0, 1.0 - aperture / NEARLY_SHUT)
    return MouthShape(
        aperture=aperture,
        width=target.width,
        press=target.press * shut,
        bite=target.bite * shut,
        tongue=target.tongue,
        energy=target.energy,
        brow=target.brow or 0.0,
    )
