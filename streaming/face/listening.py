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
from streaming.face.log_mel import BANDS, FLOOR, ROWS_PER_STEP, STEP_SAMPLES, LogMel
from streaming.face.mel_level import MelLevel
from streaming.face.sharpening import Moment, Sharpening
from streaming.face.viseme_net import CURVE_NAMES, STEP_MS, Rows, VisemeNet
from streaming.speech.base import SpeechChunk
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE

QUIET_STEPS = 15
"""Steps of silence that the network hears before a sound."""
_VOICE = CURVE_NAMES.index("voice")
_STEPS_PER_FRAME = SLOT_SAMPLES // STEP_SAMPLES
_MOMENT = round(MOMENT_SECONDS * SPEECH_RATE) // STEP_SAMPLES
"""Steps from a frame's start to the moment that it shows."""


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
        self._rows = np.zeros((0, BANDS), np.float32)
        self._level = MelLevel()
        # A network that has heard nothing yet expects speech: it begins with a quiet room.
        room = np.full((ROWS_PER_STEP * QUIET_STEPS, BANDS), math.log(FLOOR), np.float32)
        self._stream = net.open()
        self._stream.hear(room)
        self._waits = net.look_ahead_steps
        self._head = head_for(self._waits, look_ahead_ms)
        # What the heads said in the last steps: all that a frame looks back for.
        self._said: deque[Rows] = deque(maxlen=self._waits[self._head] + 2 * _STEPS_PER_FRAME)
        self._steps = 0
        self._samples = 0
        # Frames lie on the utterance's grid; one that began before this stretch is not ours.
        before = start % SLOT_SAMPLES
        self._frame = 0
        self._first = 1 if before else 0
        self._lead = np.zeros(before, np.float32)
        self._sharpening = Sharpening()

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
        """Listen up to the next frame's decision, decide, and so on: the network always hears the same
        portions, however the sound comes.
        """
        self._rows = np.concatenate((self._rows, self._ear.push(pcm)))
        targets: list[Target] = []
        while True:
            moment = self._frame * _STEPS_PER_FRAME + _MOMENT
            steps = moment + 1 + self._waits[self._head] - self._steps
            rows = self._rows[: steps * ROWS_PER_STEP]
            if len(rows) < steps * ROWS_PER_STEP:
                return targets
            self._rows = self._rows[len(rows) :]
            said = self._stream.hear(self._level.apply(rows))
            self._level.listen(rows, float(said[-1, 0, _VOICE]))
            self._said.extend(said)
            self._steps += steps
            target = self._target(moment)
            self._frame += 1
            if self._frame > self._first:
                targets.append(target)

    def _at(self, moment: int) -> Moment:
        """The mouth at a moment, in steps: as the head says it that has waited longest by now."""
        head = next(h for h in range(self._head, -1, -1) if moment + self._waits[h] <= self._steps)
        return Moment(*self._said[moment + self._waits[head] - self._steps - 1][head].tolist())

    def _target(self, moment: int) -> Target:
        last = self._steps - self._waits[0]
        moments = [self._at(m) for m in range(moment - 1, last + 1)]
        # In threes around the moments of this frame and of those after it.
        here, *ahead = (moments[i : i + 3] for i in range(0, len(moments), _STEPS_PER_FRAME))
        return self._sharpening.target(here, ahead)
