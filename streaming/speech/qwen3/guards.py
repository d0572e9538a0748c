"""What ends an utterance that went wrong: no end in sight, silence, or something that is no number.

In 0.3 to 0.7 % of its runs the talker does not find the end by itself. One more attempt with another seed is
made as long as the listener has heard nothing; after that it stops where it is.
"""

from __future__ import annotations

from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from streaming.speech.qwen3.endings import Ending

LEAST_FRAMES = 75
"""However short the text, 6 s are not suspicious."""
FRAMES_PER_TOKEN = 6
"""About twice as slow as slow speech."""
RAMP = 0.5
"""What each frame past the cap adds to the score of the end."""
RAMP_FRAMES = 50
"""After that many frames past the cap it is ended by force."""
SILENCE_LEVEL = 10 ** (-55 / 20)
"""Root mean square below which a frame counts as silent."""
SILENCE_FRAMES = 30
"""2.4 s: longer than any pause within an utterance."""
FRAME_SAMPLES = 1920
_SEED_STEP = 0x9E37_79B9
_SEEDS = 2**63


def frame_cap(text_tokens: int) -> int:
    """Frames after which the end is overdue for a text of that many tokens."""
    return max(LEAST_FRAMES, FRAMES_PER_TOKEN * text_tokens)


def end_bias(frames: int, text_tokens: int) -> float:
    """What to add to the score of the end before the next frame: nothing up to the cap, then a ramp.

    Args:
        frames: made so far.
        text_tokens: known so far; grows while text comes in.
    """
    return RAMP * max(0, frames - frame_cap(text_tokens))


def overdue(frames: int, text_tokens: int) -> bool:
    """Whether to stop by force."""
    return frames >= frame_cap(text_tokens) + RAMP_FRAMES


class Silence:
    """Counts silent frames.

    Attributes:
        frames: silent ones at the end of what was heard.
        audible: whether anything else was heard.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.audible = False

    def hear(self, pcm: NDArray[np.float32]) -> None:
        """Take the next whole frames, (n * 1920,)."""
        levels = np.sqrt(np.square(pcm.reshape(-1, FRAME_SAMPLES), dtype=np.float64).mean(1))
        loud = np.flatnonzero(levels >= SILENCE_LEVEL)
        if len(loud):
            self.audible = True
            self.frames = len(levels) - 1 - int(loud[-1])
        else:
            self.frames += len(levels)


class Verdict(Enum):
    """What to do next."""

    GO_ON = auto()
    """All is well: let the listener hear it."""
    STOP = auto()
    """The utterance is over; drop what was judged last."""
    RETRY = auto()
    """Begin again with :attr:`Guard.seed`, which is another one now."""


class Guard:
    """Watches one utterance over all its attempts.

    Attributes:
        seed: to draw the current attempt with.
        reason: why it did not just go on, for the log.
    """

    def __init__(self, seed: int, attempts: int = 2) -> None:
        self.seed = seed
        self.reason = ""
        self._left = attempts - 1
        self._silence = Silence()

    def before(self, frames: int, text_tokens: int) -> tuple[Verdict, float]:
        """Judge before a frame is made.

        Args:
            frames: made so far in this attempt.
            text_tokens: of the text so far.

        Returns:
            The verdict, and what to add to the score of the end (``stream.end_bias``).
        """
        if overdue(frames, text_tokens):
            return self._wrong("no end"), 0.0
        return Verdict.GO_ON, end_bias(frames, text_tokens)

    def heard(self, pcm: NDArray[np.float32]) -> Verdict:
        """Judge whole frames of sound (n * 1920,) before the listener hears them."""
        if not np.isfinite(pcm).all():
            return self._wrong("sound that is no number")
        self._silence.hear(pcm)
        if self._silence.frames >= SILENCE_FRAMES:
            return self._wrong("silence")
        return Verdict.GO_ON

    def ended(self, ending: Ending) -> Verdict:
        """Judge the end of an attempt; never ``GO_ON``."""
        if ending is Ending.BROKEN:
            return self._wrong("codes that come from no number")
        if ending is Ending.SPOKEN and not self._silence.audible:
            return self._wrong("nothing said")
        return Verdict.STOP

    def _wrong(self, reason: str) -> Verdict:
        self.reason = reason
        if self._silence.audible or self._left == 0:
            return Verdict.STOP
        self._left -= 1
        self.seed = (self.seed + _SEED_STEP) % _SEEDS
        self._silence = Silence()
        return Verdict.RETRY
