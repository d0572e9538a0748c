"""What the engines themselves make of a text: the truth that a recording of the page is compared with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.face.registry import build_face
from streaming.face.visemes import PRESSED
from streaming.performer.base import PerformRequest
from streaming.performer.line import run_line
from streaming.slots import MouthShape, Slot, UtteranceKey
from streaming.speech.base import Phoneme, SpeechChunk, SpeechEngine, SpeechRequest, VoiceInfo
from streaming.speech.registry import build_chain
from streaming.timing import SPEECH_RATE

LEVEL_SAMPLES = SPEECH_RATE // 100


@dataclass(frozen=True, slots=True)
class Reading:
    """An utterance: its sound at 24 kHz, one mouth per 40 ms, and its sounds in seconds."""

    pcm: NDArray[np.float32]
    mouths: list[MouthShape]
    phonemes: list[Phoneme]

    @property
    def levels(self) -> NDArray[np.float64]:
        """RMS of each 10 ms."""
        whole = len(self.pcm) // LEVEL_SAMPLES * LEVEL_SAMPLES
        return np.sqrt(np.mean(self.pcm[:whole].reshape(-1, LEVEL_SAMPLES).astype(np.float64) ** 2, axis=1))

    @property
    def apertures(self) -> NDArray[np.float64]:
        return np.array([mouth.aperture for mouth in self.mouths])

    @property
    def closures(self) -> list[Phoneme]:
        """The m, b and p; those with nothing between them are one closure."""
        found: list[Phoneme] = []
        for phoneme in self.phonemes:
            if not PRESSED & set(phoneme.symbol):
                continue
            if found and phoneme.start - found[-1].end < 0.01:
                found[-1] = Phoneme(found[-1].symbol + phoneme.symbol, found[-1].start, phoneme.end)
            else:
                found.append(phoneme)
        return found


class _Overheard:
    """A speech engine whose chunks are noted on the way."""

    def __init__(self, engine: SpeechEngine) -> None:
        self._engine = engine
        self.name = engine.name
        self.chunks: list[SpeechChunk] = []

    def voices(self) -> tuple[VoiceInfo, ...]:
        return self._engine.voices()

    def check(self, request: SpeechRequest) -> None:
        self._engine.check(request)

    async def warm_up(self) -> None:
        await self._engine.warm_up()

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        async with aclosing(self._engine.synthesize(request)) as chunks:
            async for chunk in chunks:
                self.chunks.append(chunk)
                yield chunk


async def _whole(text: str) -> AsyncIterator[str]:
    yield text


async def read_aloud(text: str, avatar: str = "mira", sequence: int = 1) -> Reading:
    """What a session's utterance number ``sequence`` holds when it says ``text``."""
    speech = _Overheard(build_chain())
    request = PerformRequest(UtteranceKey("reading", 0, sequence), avatar, seed=sequence)
    slots: list[Slot] = []
    async with aclosing(run_line(speech, build_face(), request, _whole(text))) as items:
        async for item in items:
            if isinstance(item, Slot):
                slots.append(item)
    phonemes: list[Phoneme] = []
    start = 0.0
    for chunk in speech.chunks:
        phonemes += [Phoneme(p.symbol, start + p.start, start + p.end, p.stress) for p in chunk.phonemes]
        start += len(chunk.pcm) / SPEECH_RATE
    mouths = [slot.patch for slot in slots if isinstance(slot.patch, MouthShape)]
    return Reading(np.concatenate([slot.samples for slot in slots]), mouths, phonemes)
