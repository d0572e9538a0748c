"""Why an utterance gives no more frames."""

from __future__ import annotations

from enum import Enum, auto


class Ending(Enum):
    """Why an utterance gives no more frames."""

    SPOKEN = auto()
    """The talker chose the end."""
    CAPPED = auto()
    """It reached ``Sampling.max_frames``."""
    FULL = auto()
    """It filled its part of the loop's memory."""
    BROKEN = auto()
    """The networks gave something that is no number. What came last is not to be used."""
    CANCELLED = auto()
    """It was closed."""
