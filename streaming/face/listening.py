"""The mouth of speech whose sounds nobody knows: it listens, with the network of :mod:`viseme_net`.

The network tells the likely mouth of every 20 ms; its heads have heard different lengths of sound beyond that
moment. A frame takes the head that it may wait for, and looks at the heads that wait less to foresee how the
mouth goes on: a jaw that must shut can begin to, without any sound being waited for longer.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from streaming.face.finishing import MOMENT_SECONDS, Target
from streaming.face.log_mel import BANDS, ROWS_PER_STEP, STEP_SAMPLES, LogMel
from streaming.face.viseme_net import CURVE_NAMES, STEP_MS, VisemeNet
from streaming.speech.base import SpeechChunk
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE

SURE, LIKELY = 0.45, 0.22
"""Lips shut wherever press is beyond the first, and at peaks beyond the second."""
SURE_BITE, LIKELY_BITE = 0.60, 0.35
"""The same of the lower lip under the teeth."""
PRESS_SHUTS = (0.08, 0.30)
"""Press in this range, low to high, narrows the aperture to nothing."""
VOICED = (0.20, 0.50)
"""Where voice is below this range the mouth rests; within it the mouth opens the more the higher it is."""
APERTURE_GAIN, APERTURE_POWER = 1.0, 1.0
WIDTH_GAIN = 1.0
"""A network that is unsure says something in between: these give its curves the range of real ones again."""
SMOOTHING = (0.25, 0.5, 0.25)
"""Weights of the moments 20 ms before, at, and 20 ms after a frame's own."""

_APERTURE, _WIDTH, _PRESS, _BITE, _TONGUE, _VOICE = range(len(CURVE_NAMES))
_STEPS_PER_FRAME = SLOT_SAMPLES // STEP_SAMPLES
_MOMENT = round(MOMENT_SECONDS * SPEECH_RATE) // STEP_SAMPLES
"""Steps from a frame's start to the moment that it shows."""

Curve = NDArray[np.float32]


def head_for(look_ahead_steps: tuple[int, ...], look_ahead_ms: int) -> int:
    """The head that waits longest of those that wait at most ``look_ahead_ms``; else the quickest one."""
    return max((h for h, steps in enumerate(look_ahead_steps) if steps * STEP_MS <= look_ahead_ms), default=0)


class ListeningMouth:
    """Targets of a stretch of sound. A frame's target is there once the sound up to the end of its slot, the
    look-ahead and one step of 20 ms are.

    Args:
        net: the network.
        look_ahead_ms: how much sound beyond a frame may be waited for; the nearest that the network has a
            head for, and not above, is taken.
        start: samples of the utterance before this stretch. Its first frame is the first that begins in it.
    """

    def __init__(self, net: VisemeNet, look_ahead_ms: int, start: int = 0) -> None:
        self._ear = LogMel()
        self._stream = net.open()
        self._waits = net.look_ahead_steps
        self._head = head_for(self._waits, look_ahead_ms)
        # What the heads said in the last steps: all that a frame looks back for.
        self._said: deque[Curve] = deque(maxlen=self._waits[self._head] + 2 * _STEPS_PER_FRAME)
        self._steps = 0
        self._samples = 0
        # Frames lie on the utterance's grid; one that began before this stretch is not ours.
        before = start % SLOT_SAMPLES
        self._frame = 0
        self._first = 1 if before else 0
        self._lead = np.zeros(before, np.float32)
        self._shut = False

    def push(self, chunk: SpeechChunk) -> list[Target]:
        """Take the next sound; the targets that are decided now."""
        pcm = chunk.pcm
        if self._lead.size:
            pcm, self._lead = np.concatenate((self._lead, pcm)), self._lead[:0]
        self._samples += len(pcm)
        return self._hear(pcm)

    def finish(self) -> list[Target]:
        """The sound ends: the targets that are left. Nothing is ahead of them but silence."""
        frames = math.ceil(self._samples / SLOT_SAMPLES)
        steps = (frames - 1) * _STEPS_PER_FRAME + _MOMENT + 1 + self._waits[self._head]
        missing = steps * STEP_SAMPLES - self._samples
        targets = self._hear(np.zeros(max(0, missing), np.float32))
        for target in targets:
            target.ahead = None
        return targets

    def _hear(self, pcm: NDArray[np.float32]) -> list[Target]:
        targets: list[Target] = []
        for rows in self._ear.push(pcm).reshape(-1, ROWS_PER_STEP, BANDS):
            self._said.append(self._stream.step(rows))
            self._steps += 1
            moment = self._frame * _STEPS_PER_FRAME + _MOMENT
            if self._steps == moment + 1 + self._waits[self._head]:
                target = self._target(moment)
                self._frame += 1
                if self._frame > self._first:
                    targets.append(target)
        return targets

    def _at(self, moment: int) -> Curve:
        """The mouth at a moment, in steps: as the head says it that has waited longest by now."""
        for head in range(self._head, -1, -1):
            step = moment + self._waits[head]
            if step <= self._steps:
                return self._said[step - self._steps - 1][head]
        raise IndexError(moment)

    def _target(self, moment: int) -> Target:
        first, last = moment - 1, self._steps - self._waits[0]
        said = np.stack([self._at(m) for m in range(first, last + 1)])
        # Rows in threes around the moments of this frame and of those after it.
        here, *ahead = (said[i : i + 3] for i in range(0, len(said), _STEPS_PER_FRAME))
        smooth = np.asarray(SMOOTHING, np.float32) @ here
        voice = _ramp(float(smooth[_VOICE]), VOICED)
        press, bite = (voice * float(here[:, column].max()) for column in (_PRESS, _BITE))
        target = Target(
            aperture=_opening(smooth),
            width=voice * min(max(WIDTH_GAIN * (2 * float(smooth[_WIDTH]) - 1), -1.0), 1.0),
            press=press,
            bite=bite * (1 - press),
            tongue=voice * float(smooth[_TONGUE]),
            ahead=[_foreseen(rows) for rows in ahead],
        )
        self._close(target, here, ahead[0] if ahead else here[1:])
        return target

    def _close(self, target: Target, here: Curve, after: Curve) -> None:
        """Closures of somebody who is unsure are soft. Lips that come together for a sound do touch."""
        for column, sure, likely in _CLOSURES:
            strongest = float(here[:, column].max())
            nearest = not self._shut and _nearness(here[:, column]) >= _nearness(after[:, column])
            if strongest >= sure or (strongest >= likely and nearest):
                target.shut(press=column == _PRESS)
                self._shut = True
                return
        self._shut = False


_CLOSURES = ((_PRESS, SURE, LIKELY), (_BITE, SURE_BITE, LIKELY_BITE))


def _nearness(rows: Curve) -> float:
    """How much of a closure lies around the middle of these rows."""
    return float(np.asarray(SMOOTHING[: len(rows)], np.float32) @ rows)


def _foreseen(rows: Curve) -> float:
    """How far the mouth will be open in a frame with these rows."""
    if any(float(rows[:, column].max()) >= likely for column, _, likely in _CLOSURES):
        return 0.0
    return _opening(rows[len(rows) // 2])


def _opening(curve: Curve) -> float:
    """How far the mouth is open."""
    aperture = APERTURE_GAIN * float(curve[_APERTURE]) ** APERTURE_POWER
    aperture *= _ramp(float(curve[_VOICE]), VOICED) * (1 - _ramp(float(curve[_PRESS]), PRESS_SHUTS))
    return min(aperture, 1.0)


def _ramp(value: float, limits: tuple[float, float]) -> float:
    """0 below the lower limit, 1 above the upper one, smooth between."""
    x = min(max((value - limits[0]) / (limits[1] - limits[0]), 0.0), 1.0)
    return x * x * (3 - 2 * x)
