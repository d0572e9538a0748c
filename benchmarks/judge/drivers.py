"""From an utterance to the patches of its frames: by the line's face engine, or by loudness alone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.utterances import Utterance
from streaming.face.atlas_face import AtlasFace, AtlasFaceStream
from streaming.face.base import FaceRequest
from streaming.slots import MouthShape
from streaming.speech.base import Phoneme, SpeechChunk
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE

FACE, TOLD, LOUDNESS = "face", "face told the sounds", "loudness"
"""The face as it is used; the face that need not listen, because it is told what is said: the best that can
be hoped for; and the baseline."""
PIECE_SAMPLES = SPEECH_RATE // 10
"""The face hears the sound in pieces of this size, as it would live."""


class LoudnessMouthStream:
    """The baseline: a mouth that opens with the sound's energy and knows nothing else.

    The level of each frame is held against the loudest so far, so that quiet and loud voices open alike, and
    smoothed over three frames. Range and smoothing are those that fit the phonemes of our material best: a
    baseline that is easily beaten would prove nothing.
    """

    look_ahead = 2
    RANGE_DECIBELS = 32.0
    """So much below the loudest the mouth is shut."""
    QUIETEST_PEAK = -30.0
    """Nobody's loudest speech is quieter than this, in decibels below full scale."""
    FADE = 0.02
    """Decibels per frame by which the loudest is forgotten."""
    GAIN = 0.8
    BLOCK = SLOT_SAMPLES // 2
    """A frame's level is that of the two blocks around the end of its slot's first half and 20 ms later."""

    def __init__(self) -> None:
        self._rest: NDArray[np.float32] = np.zeros(0, np.float32)
        self._samples = self._made = 0
        self._squares: list[float] = []
        self._shares: list[float] = []
        self._peak = self.QUIETEST_PEAK

    def push(self, chunk: SpeechChunk) -> list[MouthShape]:
        """Patches of the frames that are decided now."""
        self._samples += len(chunk.pcm)
        samples = np.concatenate((self._rest, chunk.pcm))
        count = len(samples) // self.BLOCK
        self._rest = samples[count * self.BLOCK :]
        blocks = samples[: count * self.BLOCK].reshape(count, self.BLOCK)
        self._squares += np.square(blocks).mean(axis=1).tolist()
        while 2 * len(self._shares) + 3 <= len(self._squares):
            self._shares.append(self._share(2 * len(self._shares) + 1))
        return self._release(len(self._shares) - 1)

    def flush(self) -> list[MouthShape]:
        """The frames that are left; nothing but silence follows."""
        frames = math.ceil(self._samples / SLOT_SAMPLES)
        missing = (2 * frames + 3) * self.BLOCK - len(self._squares) * self.BLOCK - len(self._rest)
        patches = self.push(SpeechChunk(np.zeros(max(0, missing), np.float32)))
        return patches + self._release(frames)

    def _share(self, block: int) -> float:
        level = 10 * math.log10(sum(self._squares[block : block + 2]) / 2 + 1e-12)
        self._peak = max(level, self._peak - self.FADE, self.QUIETEST_PEAK)
        return min(max(1 + (level - self._peak) / self.RANGE_DECIBELS, 0.0), 1.0)

    def _release(self, stop: int) -> list[MouthShape]:
        patches: list[MouthShape] = []
        while self._made < stop:
            now = self._shares[self._made]
            before = self._shares[max(0, self._made - 1)]
            after = self._shares[min(self._made + 1, len(self._shares) - 1)]
            opened = self.GAIN * (before + 2 * now + after) / 4
            patches.append(MouthShape(aperture=opened, energy=opened))
            self._made += 1
        return patches


MouthStream = LoudnessMouthStream | AtlasFaceStream
Driver = Callable[[], MouthStream]


def open_driver(driver: str, avatar: str) -> Driver:
    """What opens face streams of the baseline, or of the line's own engine.

    Raises:
        EngineUnavailable: the engine cannot run here.
    """
    if driver == LOUDNESS:
        return LoudnessMouthStream
    engine = AtlasFace()
    asyncio.run(engine.warm_up())
    return partial(engine.open, FaceRequest(avatar))


def patches_of(driver: Driver, utterance: Utterance, timed: bool) -> list[MouthShape]:
    """One patch per frame of an utterance.

    Args:
        driver: from :func:`open_driver`.
        utterance: what is said.
        timed: tell the phonemes; otherwise the face has to listen.

    Raises:
        EngineUnavailable: the face cannot follow speech without phonemes.
    """
    stream = driver()
    patches: list[MouthShape] = []
    if timed:
        patches += stream.push(SpeechChunk(utterance.pcm, utterance.phonemes))
    else:
        for first in range(0, len(utterance.pcm), PIECE_SAMPLES):
            patches += stream.push(SpeechChunk(utterance.pcm[first : first + PIECE_SAMPLES]))
    return patches + stream.flush()


def shifted(phonemes: tuple[Phoneme, ...], offset: float) -> tuple[Phoneme, ...]:
    """The same sounds, ``offset`` seconds later."""
    return tuple(Phoneme(p.symbol, p.start + offset, p.end + offset, p.stress) for p in phonemes)
