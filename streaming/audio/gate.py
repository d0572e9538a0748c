"""Finds where speech begins and where it has ended in a sound that never stops, such as a microphone's."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.audio.quiet import FRAME_SAMPLES, FRAME_SECONDS, QuietMeter, energies

ONSET_FRAMES, ONSET_WINDOW = 3, 4
"""Speech begins when so many of the last frames are loud: 30 ms, where a click has one or two frames."""
PRE_ROLL_FRAMES = 6
"""Frames up to the onset's last that belong to the speech: soft consonants come before loud vowels. Live
speech has to be known early enough to be sent in time, so there are no more."""
REARM_SECONDS = 0.2
"""After an interrupt, speech that goes on is not a new beginning; after a pause of this length it is."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece of speech, which may begin an utterance, and may be its last.

    Attributes:
        samples: (n,) at 24 kHz.
        offset: samples from the first one of the push to the first one here; negative for what was kept.
        begins: speech begins here.
        ends: speech has ended.
    """

    samples: NDArray[np.float32]
    offset: int = 0
    begins: bool = False
    ends: bool = False


class SpeechGate:
    """Lets speech through and keeps quiet out.

    While it is open everything passes at once, pauses too; while it is shut, only what may turn out to be
    the beginning of speech is kept (60 ms).

    Args:
        end_after_silence: seconds of quiet after which speech has ended.
    """

    def __init__(self, end_after_silence: float) -> None:
        self.end_after_silence = end_after_silence
        self.open = False
        self.quiet_seconds = 0.0
        self._meter = QuietMeter()
        self._loud: deque[bool] = deque(maxlen=ONSET_WINDOW)
        self._kept: deque[NDArray[np.float32]] = deque(maxlen=PRE_ROLL_FRAMES)
        self._rest: NDArray[np.float32] = np.zeros(0, np.float32)
        self._armed = True

    def push(self, samples: NDArray[np.float32]) -> list[Heard]:
        """Take the next samples (n,); the pieces of speech in them, in order."""
        # What is left of a frame has gone out already when the gate is open.
        before = self._rest.size
        gone = before if self.open else 0
        samples = np.concatenate((self._rest, samples))
        heard: list[Heard] = []
        for number, energy in enumerate(energies(samples)):
            end = (number + 1) * FRAME_SAMPLES
            was_open = self.open
            self._judge(energy)
            if self.open and not was_open:
                self._kept.append(samples[end - FRAME_SAMPLES : end])
                kept = np.concatenate(self._kept)
                heard.append(Heard(kept, end - kept.size - before, begins=True))
                self._kept.clear()
                gone = end
            elif was_open and not self.open:
                heard.append(Heard(samples[gone:end], gone - before, ends=True))
                gone = end
            elif not self.open:
                self._kept.append(samples[end - FRAME_SAMPLES : end].copy())
                gone = end
        whole = samples.size - samples.size % FRAME_SAMPLES
        self._rest = samples[whole:].copy()
        if self.open and gone < samples.size:
            heard.append(Heard(samples[gone:], gone - before))
        return heard

    def shut(self, *, rearm: bool = False) -> None:
        """What was open is over. With ``rearm`` there has to be a pause before the next beginning."""
        self.open = False
        self._rest = np.zeros(0, np.float32)
        self._kept.clear()
        self._loud.clear()
        self._armed = not rearm
        self.quiet_seconds = 0.0

    def _judge(self, energy: float) -> None:
        self._loud.append(not self._meter.is_quiet(energy))
        loud = sum(self._loud)
        self.quiet_seconds = 0.0 if loud >= ONSET_FRAMES - 1 else self.quiet_seconds + FRAME_SECONDS
        if self.open:
            if self.quiet_seconds >= self.end_after_silence - FRAME_SECONDS / 2:
                self.open = False
                self._loud.clear()
        else:
            self._armed = self._armed or self.quiet_seconds >= REARM_SECONDS
            self.open = self._armed and loud >= ONSET_FRAMES
