"""What a mouth should do at each moment, from the sounds that are really heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.face.coarticulation import RATE, Coarticulation, Curves
from streaming.face.visemes import DIPHTHONGS, PAUSE, PRESSED, VOWELS
from streaming.speech.base import Phoneme
from streaming.timing import FPS

LEAD_SECONDS = 0.020
"""Lips are to be seen this much ahead of their sound."""
STEP = RATE // FPS
MIDDLE = round((0.5 / FPS + LEAD_SECONDS) * RATE)
"""A frame shows the mouth of its middle, a little ahead of the sound."""
LARGEST_SHIFT = 60
"""Samples of the curves, at :data:`streaming.face.coarticulation.RATE`, by which a film may be off."""

OPEN_APERTURE = 0.35
"""A vowel whose target is wider throughout its window must not look closed."""
APART_APERTURE = 0.25
"""Lips should be apart where the target is wider in a frame and in both beside it."""
CLOSES_SECONDS, OPENS_SECONDS = 0.25, 0.16
"""A mouth is at rest in a pause so long after its beginning and before its end."""


class Targets:
    """The curves of one utterance.

    Args:
        phonemes: gapless from its first sample.
        frames: video frames it lasts.
    """

    def __init__(self, phonemes: Sequence[Phoneme], frames: int) -> None:
        self.phonemes = tuple(phonemes)
        self.frames = frames
        mouth = Coarticulation()
        mouth.add(phonemes, 0.0)
        mouth.finish()
        count = frames * STEP + 2 * LARGEST_SHIFT
        self._curves: Curves = mouth.curves(MIDDLE - LARGEST_SHIFT, count)

    def aperture(self, shift: int = 0) -> NDArray[np.float64]:
        """(frames,) aperture 0..1, of ``shift`` / RATE seconds later than the frame shows."""
        return self._at(self._curves.aperture, shift)

    def width(self) -> NDArray[np.float64]:
        """(frames,) width -1..1."""
        return self._at(self._curves.width, 0)

    def _at(self, curve: NDArray[np.float64], shift: int) -> NDArray[np.float64]:
        first = LARGEST_SHIFT + shift
        return curve[first : first + self.frames * STEP : STEP]

    def closures(self, tolerance: int) -> list[range]:
        """Where each m, b and p may be seen closed: its own frames, and ``tolerance`` on either side."""
        return [self._window(p, tolerance) for p in self.phonemes if p.symbol in PRESSED]

    def open_vowels(self, tolerance: int) -> list[range]:
        """The middles of vowels that are wide open, with ``tolerance`` on either side."""
        aperture = self.aperture()
        windows: list[range] = []
        for phoneme in self.phonemes:
            if phoneme.symbol in VOWELS or phoneme.symbol in DIPHTHONGS:
                middle = self._frame((phoneme.start + phoneme.end) / 2)
                window = range(max(0, middle - tolerance), min(self.frames, middle + tolerance + 1))
                if aperture[window.start : window.stop].min() >= OPEN_APERTURE:
                    windows.append(window)
        return windows

    def apart(self) -> NDArray[np.bool_]:
        """(frames,) true where lips should be apart, even if the timing is off by a frame."""
        open_ = np.pad(self.aperture() >= APART_APERTURE, 1)
        return open_[:-2] & open_[1:-1] & open_[2:]

    def resting(self) -> NDArray[np.bool_]:
        """(frames,) true in pauses, once the mouth had time to close and before it may open again."""
        resting = np.zeros(self.frames, bool)
        for phoneme in self.phonemes:
            if phoneme.symbol == PAUSE:
                first = 0 if phoneme.start == 0 else int(np.ceil((phoneme.start + CLOSES_SECONDS) * FPS))
                resting[first : max(first, int((phoneme.end - OPENS_SECONDS) * FPS))] = True
        return resting

    def frames_of(self, symbols: frozenset[str]) -> list[int]:
        """The frames in which the middles of these sounds fall."""
        return [self._frame((p.start + p.end) / 2) for p in self.phonemes if p.symbol in symbols]

    def sounds(self, frame: int) -> str:
        """The sounds heard during a frame."""
        start, end = frame / FPS, (frame + 1) / FPS
        return "".join(p.symbol for p in self.phonemes if p.start < end and p.end > start)

    def _window(self, phoneme: Phoneme, tolerance: int) -> range:
        first = self._frame(phoneme.start) - tolerance
        return range(max(0, first), min(self.frames, self._frame(phoneme.end) + tolerance + 1))

    def _frame(self, seconds: float) -> int:
        return min(max(0, int(seconds * FPS)), self.frames - 1)
