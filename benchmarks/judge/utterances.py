"""What is said: speech with the timing of its sounds, sorted into sets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.speech.base import Phoneme
from streaming.timing import SLOT_SAMPLES

TEXT, SYNTHETIC, HUMAN, SILENCE = "text", "synthetic", "human", "silence"
SETS = (TEXT, SYNTHETIC, HUMAN, SILENCE)


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One piece of sound.

    Attributes:
        name: unique within its set.
        group: what it is scored together with besides its set: a language, a speaker, a kind of noise.
        pcm: (n,) float32 mono at 24 kHz.
        phonemes: the sounds that are heard, gapless over the whole; empty for noise.
    """

    name: str
    group: str
    pcm: NDArray[np.float32]
    phonemes: tuple[Phoneme, ...] = ()

    @property
    def frames(self) -> int:
        """How many video frames it lasts."""
        return math.ceil(len(self.pcm) / SLOT_SAMPLES)


@dataclass(frozen=True, slots=True)
class Goals:
    """What a set must reach; ``None`` is only reported.

    Attributes:
        closures: share of m, b and p that are seen closed.
        opening: correlation of the mouth's opening with that of the sounds.
        moving: largest share of frames that move.
        tolerance: frames by which a closure may miss its sound. Sounds of a synthesiser that times them
            itself are exact; others are only known within a frame.
    """

    closures: float | None = None
    opening: float | None = None
    moving: float | None = None
    tolerance: int = 1


GOALS = {
    TEXT: Goals(closures=1.0, opening=0.90, tolerance=0),
    SYNTHETIC: Goals(closures=0.93, opening=0.85),
    HUMAN: Goals(closures=0.88, opening=0.78),
    SILENCE: Goals(moving=0.01),
}


@dataclass(frozen=True, slots=True, eq=False)
class UtteranceSet:
    """Utterances that are rendered and scored together.

    Attributes:
        name: one of :data:`SETS`.
        utterances: in the order of the film.
        timed: the face is told the phonemes; otherwise it has to listen.
    """

    name: str
    utterances: tuple[Utterance, ...]
    timed: bool = False

    @property
    def goals(self) -> Goals:
        """What it must reach."""
        return GOALS[self.name]

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in order."""
        return tuple(dict.fromkeys(utterance.group for utterance in self.utterances))
