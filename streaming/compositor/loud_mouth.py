"""A mouth for speech whose drawn mouths belong to another face: it opens as loudly as the voice is.

So it is for the rest of a sentence in which the avatar was changed: its pictures are drawn already.
"""

from __future__ import annotations

from streaming.slots import FacePixels, MouthShape

WIDEST = 0.6
"""Aperture at full energy."""
FALL = 0.1
"""By how much the energy, which falls slowly, falls in frames in which there is next to nothing to hear."""


class LoudMouth:
    """Follows the patches of one session that it cannot show."""

    def __init__(self) -> None:
        self._before = 0.0

    def shape(self, patch: FacePixels) -> MouthShape:
        """What an atlas shows instead of a patch."""
        fallen = self._before - patch.energy
        self._before = patch.energy
        aperture = WIDEST * patch.energy * min(1.0, max(0.0, 1 - fallen / FALL)) if patch.pixels else 0.0
        return MouthShape(aperture, energy=patch.energy, brow=patch.brow)
