"""Bites that matting took from the clothing of somebody who moves, found in key frames."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from precompute.matting.moving import Alpha, Image, Points
from precompute.repair.inpainters import OpenCVInpainter
from precompute.repair.mend import THRESHOLD, mend, untouched_line


@dataclass(frozen=True, slots=True)
class ClothingOverTime:
    """What was found and done in a video's key frames.

    Attributes:
        frames: how many key frames were looked at.
        bitten: share of them in which 1 % or more of the clothing was missing, 0..1.
        bitten_after: the same in the mattes that came of it.
        missing: share of the clothing's area that was missing, on average, 0..1.
        missing_after: likewise.
        worst: the same in the worst frame.
        worst_after: likewise.
    """

    frames: int
    bitten: float
    bitten_after: float
    missing: float
    missing_after: float
    worst: float
    worst_after: float

    def line(self) -> str:
        """A sentence for people."""
        if not self.bitten:
            return untouched_line(self.worst)
        return (
            f"Clothing repaired: in {self.bitten:.0%} of the video 1 % or more was missing, {self.worst:.1%} "
            f"at worst; now in {self.bitten_after:.0%}, {self.worst_after:.1%} at worst."
        )


@dataclass(slots=True)
class ClothingMender:
    """Implements :class:`precompute.matting.moving.Mender`.

    A video has the pixels that a matte hides: where a bite has the clothing's colours, they are taken back.
    Nothing is ever drawn. What is taken back in one key frame alone is outvoted by those around it.

    Attributes:
        before: missing shares of what the network said, one of each key frame.
        after: of what came of it.
    """

    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    _painter: OpenCVInpainter = field(default_factory=OpenCVInpainter)

    def mend(self, picture: Image, alpha: Alpha, landmarks: Points) -> Alpha:
        """The matte with bites taken back; the same where less than 1 % is missing."""
        mended = mend(picture, alpha, landmarks, self._painter, whole_photo=True)
        self.before.append(mended.report.before)
        return mended.alpha

    def look_again(self, picture: Image, alpha: Alpha, landmarks: Points) -> None:
        """Measure once more."""
        # A threshold that is never reached: nothing is changed.
        found = mend(picture, alpha, landmarks, self._painter, whole_photo=True, threshold=np.inf)
        self.after.append(found.report.before)

    def report(self) -> ClothingOverTime:
        """What was found and done."""
        before, after = _shares(self.before), _shares(self.after)
        return ClothingOverTime(
            len(self.before),
            float((before >= THRESHOLD).mean()),
            float((after >= THRESHOLD).mean()),
            float(before.mean()),
            float(after.mean()),
            float(before.max()),
            float(after.max()),
        )


def _shares(values: list[float]) -> NDArray[np.float64]:
    return np.array(values or [0.0])
