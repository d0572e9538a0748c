"""The stretches of sound that the audio encoder hears, and which frames get their features from which.

MuseTalk was trained with the features of whole sounds: Whisper's encoder over 30 s, padded with silence.
Frame ``i`` takes rows ``2i-4 .. 2i+5`` of its 50 rows per second; rows before the sound and after it are
zeros. Here the encoder hears a few seconds at a time, as near to that as can be without the sound to come:

- Each window is some seconds of log-mel rows and one or two frames at its right edge: frame 0 alone, so that
  the first picture is there early, then two frames each.
- The rows are placed where they lie in the utterance: the encoder adds the positions of *those* rows. With
  positions from 0 on the features are different ones (docs/musetalk.md has the figures).
- Beyond the last row that is known, two copies of it are followed by silence, which is what the encoder hears
  there least harmfully. At the end of the sound there is silence indeed.

What a window holds depends on the sound alone, never on how it was cut into chunks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.face.musetalk.resampling import Resampler
from streaming.face.musetalk.whisper_mel import BANDS, SILENCE, WhisperMel, levelled
from streaming.timing import FPS, SLOT_SAMPLES, SPEECH_RATE

ROWS_BEFORE, ROWS_PER_FRAME = 4, 10
"""A frame's rows of the encoder: how many before its start, and how many in all."""
ROW_RATE = 50
"""Rows of the encoder per second: one from two rows of the mel."""
POSITIONS = 1500
"""Rows that the encoder knows positions for, 30 s."""
_MEL_PER_ROW = 2
_MEL_PER_FRAME = 100 // FPS
_MEL_AHEAD = 13
"""Mel rows from a frame's start to the end of what its last encoder row hears, 12.5 ms past the last one."""
_LEAST_HEARD = 60
"""Mel rows: those of two frames, and something before them."""


@dataclass(frozen=True, slots=True)
class WindowShape:
    """What a window is made of, in mel rows of 10 ms.

    Attributes:
        rows: in all; even.
        silent: of these, those beyond the last known one while the sound goes on; odd.
        held: of these again, those that repeat the last known one.
        after: rows beyond the last one that is needed when the sound has ended; odd.
    """

    rows: int = 500
    silent: int = 11
    held: int = 2
    after: int = 101

    def __post_init__(self) -> None:
        if self.rows % 2 or not (self.silent % 2 and self.after % 2):
            raise ValueError("Windows begin with a row of the encoder: rows even, silent and after odd.")
        if not 0 <= self.held <= self.silent <= self.after or self.rows < self.after + _LEAST_HEARD:
            raise ValueError("A window needs the rows of two frames and something before them.")

    @property
    def encoded(self) -> int:
        """Rows that the encoder makes of a window."""
        return self.rows // _MEL_PER_ROW


SHAPE = WindowShape()
"""The one that ``benchmarks/whisper_windows.py`` found best for its cost."""


@dataclass(frozen=True, slots=True)
class LookAhead:
    """Sound that frames wait for beyond what they need: the more, the nearer to features of the whole sound.

    Attributes:
        frames: how many frames (40 ms) of it.
        windows_per_frame: so many windows are made before the wait grows by a frame, from none at all: what
            runs ahead of who listens gets its first picture at once, and better ones later. 0: all at once.
    """

    frames: int = 0
    windows_per_frame: int = 0

    def of(self, window: int) -> int:
        """Frames that a window waits for, counted from 0."""
        if not self.windows_per_frame:
            return self.frames
        return min(self.frames, window // self.windows_per_frame)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One input of the encoder.

    Attributes:
        mel: (80, rows) float32, read-only.
        position: row of the encoder's positions that belongs to the first row of this window.
        first: the first frame that gets its features from it.
        frames: how many do.
        begin: the encoder's row of this window at which the rows of the first frame begin, those of the
            next two rows later; may be negative at the beginning of a sound.
        end: the encoder's rows of this window from here on lie beyond the sound. These and those before 0
            count as zeros.
    """

    mel: NDArray[np.float32]
    position: int
    first: int
    frames: int
    begin: int
    end: int


class Windows:
    """The windows of one utterance.

    A window is ready with the sound up to ``40 i + 133.5`` ms, where ``i`` is its last frame and the last
    millisecond the resampler's. Where sound comes by the frame, the last three frames are held back, and a
    fourth one while it waits for the other of its window. :meth:`flush` gives the others.

    Args:
        ahead: sound to be waited for besides.
        shape: of the windows.

    Raises:
        ValueError: windows of this shape cannot hold so much later sound.
    """

    def __init__(self, ahead: LookAhead | None = None, shape: WindowShape = SHAPE) -> None:
        self._ahead = ahead or LookAhead()
        self._shape = shape
        if shape.rows < shape.after + self._ahead.frames * _MEL_PER_FRAME + _LEAST_HEARD:
            raise ValueError(f"Windows of {shape.rows} rows are too short to look so far ahead.")
        self._resampler = Resampler()
        self._mel = WhisperMel()
        self._samples = 0
        # Rows of the mel from `_start` on: as many as a window may still need.
        self._rows = np.zeros((0, BANDS), np.float32)
        self._start = 0
        self._maximum = float(SILENCE)
        self._measured = 0
        self._made = 0

    def push(self, pcm: NDArray[np.float32]) -> list[Window]:
        """Take the next samples, (n,) float32 mono at 24 kHz, any length.

        Returns:
            The windows whose sound is there now, in order.
        """
        self._samples += len(pcm)
        self._hear(pcm)
        windows: list[Window] = []
        while self._known(self._made) <= self._start + len(self._rows):
            windows.append(self._window(ended=False))
        return windows

    def flush(self) -> list[Window]:
        """The sound ends: the windows of the frames that are left; ceil(samples / 960) frames in all."""
        frames = math.ceil(self._samples / SLOT_SAMPLES)
        windows: list[Window] = []
        while _first_frame(self._made) < frames:
            upto = self._known(self._made) + self._shape.after
            while self._start + len(self._rows) < upto:
                self._hear(np.zeros(SLOT_SAMPLES, np.float32))
            windows.append(self._window(ended=True))
        return windows

    def _hear(self, pcm: NDArray[np.float32]) -> None:
        rows = self._mel.push(self._resampler.push(pcm))
        if len(rows):
            self._rows = np.concatenate((self._rows, rows))

    def _known(self, window: int) -> int:
        """Rows of the mel that a window takes as they are, counted from the sound's start."""
        last = 2 * window + self._ahead.of(window)
        return last * _MEL_PER_FRAME + _MEL_AHEAD

    def _window(self, ended: bool) -> Window:
        number, shape = self._made, self._shape
        known = self._known(number)
        begin = max(0, known + (shape.after if ended else shape.silent) - shape.rows)
        end = known + shape.after if ended else known
        # As loud as the sound has become by then: later sound must not change what has been said.
        self._maximum = max(
            self._maximum, _loudest(self._rows[self._measured - self._start : end - self._start])
        )
        self._measured = end
        rows = np.full((shape.rows, BANDS), SILENCE, np.float32)
        heard = self._rows[begin - self._start : end - self._start]
        rows[: len(heard)] = heard
        if not ended:
            rows[len(heard) : len(heard) + shape.held] = heard[-1]
        self._made += 1
        self._forget()
        mel = np.ascontiguousarray(levelled(rows, self._maximum).T)
        mel.flags.writeable = False
        first = _first_frame(number)
        frames = _first_frame(number + 1) - first
        if ended:
            frames = min(frames, math.ceil(self._samples / SLOT_SAMPLES) - first)
        row = begin // _MEL_PER_ROW
        sound_ends = self._samples * ROW_RATE // SPEECH_RATE - row if ended else shape.encoded
        return Window(
            mel,
            min(row % POSITIONS, POSITIONS - shape.encoded),
            first,
            frames,
            2 * first - ROWS_BEFORE - row,
            min(shape.encoded, max(0, sound_ends)),
        )

    def _forget(self) -> None:
        """Drop the rows that no window will take any more."""
        needless = self._known(self._made) + self._shape.silent - self._shape.rows - self._start
        needless = min(needless, self._measured - self._start)
        if needless > 0:
            self._rows = self._rows[needless:].copy()
            self._start += needless


def _first_frame(window: int) -> int:
    """Frame 0 alone, then two frames each."""
    return max(0, 2 * window - 1)


def _loudest(rows: NDArray[np.float32]) -> float:
    return float(rows.max()) if rows.size else float(SILENCE)
