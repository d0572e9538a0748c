"""The mouth of speech whose sounds are known: it follows timed phonemes."""

from __future__ import annotations

import math

from streaming.face.coarticulation import RATE, REACH, SMOOTHING_TAPS, Coarticulation, Curves
from streaming.face.finishing import MOMENT_SECONDS, Target
from streaming.speech.base import SpeechChunk
from streaming.timing import FPS, SLOT_SAMPLES, SPEECH_RATE

SHUT = 0.5
"""Press or bite beyond this means that the lips must be seen shut."""

_STEP = RATE // FPS
_MIDDLE = round(MOMENT_SECONDS * RATE)
_SIDE = 2
_NEEDED = _MIDDLE + _SIDE + SMOOTHING_TAPS + math.ceil(REACH * RATE)
"""Samples of the curves that must be known beyond a frame's start for its target to be final."""
_BLOCK_FRAMES = 50
LOOK_AHEAD = math.ceil(_NEEDED / _STEP) - 1


class FollowingMouth:
    """Targets of a stretch of speech with timed phonemes.

    Args:
        start: samples of the utterance before this stretch. Its first frame is the first that begins in it.
    """

    def __init__(self, start: int = 0) -> None:
        self._mouth = Coarticulation()
        self._samples = start
        self._first = self._made = math.ceil(start / SLOT_SAMPLES)

    def push(self, chunk: SpeechChunk) -> list[Target]:
        """Take the next speech; the targets that nothing later can change."""
        self._mouth.add(chunk.phonemes, self._samples / SPEECH_RATE)
        self._samples += len(chunk.pcm)
        known = math.floor(self._mouth.known * RATE + 1e-6)
        return self._make(min((known - _NEEDED) // _STEP + 1, self._samples // SLOT_SAMPLES))

    def finish(self) -> list[Target]:
        """Nothing follows: the targets that are left."""
        self._mouth.finish()
        return self._make(math.ceil(self._samples / SLOT_SAMPLES))

    def _make(self, frames: int) -> list[Target]:
        """Decide the targets of all frames before ``frames``."""
        targets: list[Target] = []
        while self._made < frames:
            first, stop = self._made, min(frames, self._made + _BLOCK_FRAMES)
            curves = self._mouth.curves(
                first * _STEP + _MIDDLE - _SIDE, (stop - first - 1) * _STEP + 2 * _SIDE + 1
            )
            block = [_sample(curves, i) for i in range(stop - first)]
            self._force(block, first, last=stop == frames and math.isinf(self._mouth.known))
            targets += block
            self._made = stop
            self._mouth.forget((stop * _STEP + _MIDDLE - _SIDE - SMOOTHING_TAPS) / RATE)
        return targets

    def _force(self, block: list[Target], first: int, last: bool) -> None:
        """Let every closure be seen in the frame nearest to it, however short it is."""
        stop = first + len(block)
        closures = self._mouth.closures
        pressed = {self._frame_of(c.centre, stop, last) for c in closures if c.press}
        for closure in closures:
            frame = self._frame_of(closure.centre, stop, last)
            if not closure.press and frame in pressed:
                before = frame - 1
                frame = before if before not in pressed and before >= self._first else frame + 1
            if first <= frame < stop:
                block[frame - first].shut(closure.press)

    def _frame_of(self, seconds: float, stop: int, last: bool) -> int:
        """The frame whose moment is nearest to ``seconds``, of those that this stretch has."""
        frame = max(self._first, math.floor((seconds * RATE - _MIDDLE) / _STEP + 0.5))
        return min(frame, stop - 1) if last else frame


def _sample(curves: Curves, frame: int) -> Target:
    lo, at = frame * _STEP, frame * _STEP + _SIDE
    window = slice(lo, lo + 2 * _SIDE + 1)
    press, bite = float(curves.press[window].max()), float(curves.bite[window].max())
    shut = press > SHUT or bite > SHUT
    aperture = float(curves.aperture[window].min() if shut else curves.aperture[at])
    return Target(
        aperture=min(aperture, 1.0),
        width=float(curves.width[at]),
        press=press,
        bite=bite * (1 - press),
        tongue=float(curves.tongue[at]),
        brow=float(curves.brow[at]),
    )
