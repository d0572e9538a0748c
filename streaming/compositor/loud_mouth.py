"""A mouth for speech whose drawn mouths belong to another face: it opens as loudly as the voice is.

So it is for the rest of a sentence in which the avatar was changed: its pictures are drawn already.
"""

from __future__ import annotations

from streaming.slots import FacePixels, MouthShape

WIDEST = 0.7
"""Aperture at full energy."""
QUIET = 0.5
"""Energy up to which it is shut: that of speech is mostly above."""
FALL = 0.08
"""By how much the energy, which falls slowly, falls in frames in which there is next to nothing to hear."""


class LoudMouth:
    """Follows the patches of one session that it cannot show."""

    def __init__(self) -> None:
        self._before = FacePixels(0, b"")
        self._shape = MouthShape()

    def shape(self, patch: FacePixels) -> MouthShape:
        """What an atlas shows instead of a patch."""
        if patch != self._before:
            fallen = self._before.energy - patch.energy
            loud = max(0.0, patch.energy - QUIET) / (1 - QUIET) * min(1.0, max(0.0, 1 - fallen / FALL))
            self._shape = MouthShape(
                WIDEST * loud if patch.pixels else 0.0, energy=patch.energy, brow=patch.brow
            )
            self._before = patch
        return self._shape
