"""The embedded face engine: from timed speech sounds to coefficients of the mouth atlas."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streaming.errors import EngineUnavailable
from streaming.face.coarticulation import RATE, REACH, SMOOTHING_TAPS, Coarticulation, Curves
from streaming.face.loudness import Loudness
from streaming.slots import MouthShape, Patch
from streaming.speech.base import SpeechChunk
from streaming.timing import FPS, LOOK_AHEAD_MS, SLOT_SAMPLES, SPEECH_RATE

LEAD_SECONDS = 0.020
"""Lips are shown this much ahead of the sound: people are used to see speech before they hear it."""
OPEN_LIMIT, CLOSE_LIMIT = 0.36, 0.40
"""How far the jaw opens and closes per frame."""
WIDTH_LIMIT = 0.45
"""How far the corners of the mouth move per frame."""
FORCED_BITE = 0.95
SHUT = 0.5
"""Press or bite beyond this means that the lips must be seen shut."""
NEARLY_SHUT = 0.15
"""Press and bite fade out up to this aperture: their pictures are made from a closed mouth."""
ENDING = (0.75, 0.35)
"""Width and tongue are scaled by these in the last frames, so that rest is near."""

_STEP = RATE // FPS
_MIDDLE = round((0.5 / FPS + LEAD_SECONDS) * RATE)
_SIDE = 2
_NEEDED = _MIDDLE + _SIDE + SMOOTHING_TAPS + math.ceil(REACH * RATE)
"""Samples of the curves that must be known beyond a frame's start for its target to be final."""
_BLOCK_FRAMES = 50
LOOK_AHEAD = math.ceil(_NEEDED / _STEP) - 1


@dataclass(slots=True)
class _Target:
    """A frame before it is known whether the jaw must hurry for the frames after it."""

    aperture: float
    width: float
    press: float
    bite: float
    tongue: float
    energy: float
    brow: float


class AtlasFaceStream:
    """Follows one utterance. Frames wait until nothing that follows can change them: ``look_ahead`` frames,
    and up to two more while the mouth is wide open.
    """

    look_ahead = LOOK_AHEAD

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next push starts a new utterance."""
        self._mouth = Coarticulation()
        self._loudness = Loudness()
        self._samples = 0
        self._made = 0
        self._targets: list[_Target] = []
        self._aperture = 0.0
        self._width = 0.0

    def push(self, chunk: SpeechChunk) -> list[Patch]:
        """Take the next speech; see :class:`streaming.face.base.FaceStream`.

        Raises:
            EngineUnavailable: the chunk does not say which sounds it holds.
        """
        if chunk.pcm.size == 0:
            return []
        if not chunk.phonemes:
            raise EngineUnavailable(
                "The face engine 'atlas' needs speech with timed phonemes, and this speech has none. "
                "Choose a speech engine that gives them (hibari), or a face engine that listens to the sound."
            )
        self._mouth.add(chunk.phonemes, self._samples / SPEECH_RATE)
        self._loudness.add(chunk.pcm)
        self._samples += len(chunk.pcm)
        known = math.floor(self._mouth.known * RATE + 1e-6)
        self._make(min((known - _NEEDED) // _STEP + 1, self._samples // SLOT_SAMPLES))
        return self._release(final=False)

    def flush(self) -> list[Patch]:
        """The utterance ends: the frames that are left, back to rest."""
        self._mouth.finish()
        self._loudness.finish()
        self._make(math.ceil(self._samples / SLOT_SAMPLES))
        for target, scale in zip(reversed(self._targets), reversed(ENDING), strict=False):
            target.width *= scale
            target.tongue *= scale
        return self._release(final=True)

    def _make(self, frames: int) -> None:
        """Decide the targets of all frames before ``frames``."""
        while self._made < frames:
            first, stop = self._made, min(frames, self._made + _BLOCK_FRAMES)
            curves = self._mouth.curves(
                first * _STEP + _MIDDLE - _SIDE, (stop - first - 1) * _STEP + 2 * _SIDE + 1
            )
            self._sample(curves, stop - first)
            self._force(first, stop, last=stop == frames and math.isinf(self._mouth.known))
            for target in self._targets[len(self._targets) - (stop - first) :]:
                self._limit(target)
            self._made = stop
            self._mouth.forget((stop * _STEP + _MIDDLE - _SIDE - SMOOTHING_TAPS) / RATE)

    def _sample(self, curves: Curves, count: int) -> None:
        for i in range(count):
            lo, at = i * _STEP, i * _STEP + _SIDE
            window = slice(lo, lo + 2 * _SIDE + 1)
            press, bite = float(curves.press[window].max()), float(curves.bite[window].max())
            shut = press > SHUT or bite > SHUT
            aperture = float(curves.aperture[window].min() if shut else curves.aperture[at])
            self._targets.append(
                _Target(
                    min(aperture, 1.0),
                    float(curves.width[at]),
                    press,
                    bite * (1 - press),
                    float(curves.tongue[at]),
                    self._loudness.take(),
                    float(curves.brow[at]),
                )
            )

    def _force(self, first: int, stop: int, last: bool) -> None:
        """Let every closure be seen in the frame nearest to it, however short it is."""
        offset = len(self._targets) - (stop - first)
        closures = self._mouth.closures
        pressed = {_frame_of(c.centre, stop, last) for c in closures if c.press}
        for closure in closures:
            frame = _frame_of(closure.centre, stop, last)
            if not closure.press and frame in pressed:
                frame = frame - 1 if frame - 1 not in pressed and frame > 0 else frame + 1
            if first <= frame < stop:
                target = self._targets[offset + frame - first]
                target.aperture = 0.0
                target.tongue = 0.0
                if closure.press:
                    target.press, target.bite = 1.0, 0.0
                else:
                    target.press, target.bite = 0.0, max(target.bite, FORCED_BITE)

    def _limit(self, target: _Target) -> None:
        """Opening lags behind: the jaw and the corners of the mouth have a highest speed."""
        target.aperture = self._aperture = min(target.aperture, self._aperture + OPEN_LIMIT)
        low, high = self._width - WIDTH_LIMIT, self._width + WIDTH_LIMIT
        target.width = self._width = min(max(target.width, low), high)

    def _release(self, final: bool) -> list[Patch]:
        """Patches of the frames that no later frame can change. Closing begins a frame or two early."""
        targets = self._targets
        count = len(targets)
        if not final:
            # A frame that is open wider than the jaw can close until the first unknown frame has to wait.
            count = next((i for i in range(count) if targets[i].aperture > CLOSE_LIMIT * (count - i)), count)
        patches: list[Patch] = []
        for i in range(count):
            limit = CLOSE_LIMIT * (len(targets) - i) if final else math.inf
            for ahead in range(1, min(4, len(targets) - i)):
                limit = min(limit, targets[i + ahead].aperture + CLOSE_LIMIT * ahead)
            patches.append(_patch(targets[i], min(targets[i].aperture, limit)))
        del targets[:count]
        return patches


def _frame_of(seconds: float, stop: int, last: bool) -> int:
    """The frame whose moment is nearest to ``seconds``; the last frame when the utterance ends before."""
    frame = max(0, math.floor((seconds * RATE - _MIDDLE) / _STEP + 0.5))
    return min(frame, stop - 1) if last else frame


def _patch(target: _Target, aperture: float) -> MouthShape:
    shut = max(0.0, 1.0 - aperture / NEARLY_SHUT)
    return MouthShape(
        aperture=aperture,
        width=target.width,
        press=target.press * shut,
        bite=target.bite * shut,
        tongue=target.tongue,
        energy=target.energy,
        brow=target.brow,
    )


class AtlasFace:
    """Face engine of the mouth atlas. Needs speech with timed phonemes."""

    name = "atlas"

    async def warm_up(self) -> None:
        """Nothing to load."""

    def open(self, avatar: str, look_ahead_ms: int = LOOK_AHEAD_MS) -> AtlasFaceStream:
        """A stream for one utterance; coefficients mean the same for every avatar."""
        return AtlasFaceStream()
