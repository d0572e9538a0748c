"""How speech is delivered, whichever engine speaks: pitch, volume, and pauses between sentences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from streaming.audio.stretching import DEEPEST, HIGHEST, Pitch
from streaming.speech.base import Phoneme, SpeechChunk
from streaming.speech.limiter import limited
from streaming.speech.symbol_timing import PAUSE
from streaming.timing import SPEECH_RATE

LOUDEST = 2.0
LONGEST_PAUSE = 5.0
MOST_PAUSES = 600.0
"""Seconds that all added pauses of a text last together, at most: short sentences make no endless film."""


class Delivery(msgspec.Struct, frozen=True):
    """What is changed about speech.

    Attributes:
        pitch: semitones; 0 is the voice's own.
        volume: factor; 1 is the voice's own. Peaks are bent instead of clipped.
        pause: seconds of silence after each sentence (or clause), beside the one that is there; none is added
            beyond :data:`MOST_PAUSES` in all.
    """

    pitch: Annotated[float, Meta(ge=DEEPEST, le=HIGHEST)] = 0.0
    volume: Annotated[float, Meta(ge=0.0, le=LOUDEST)] = 1.0
    pause: Annotated[float, Meta(ge=0.0, le=LONGEST_PAUSE)] = 0.0


AS_IT_IS = Delivery()


async def delivered(
    chunks: AsyncGenerator[SpeechChunk, None], delivery: Delivery
) -> AsyncGenerator[SpeechChunk, None]:
    """The chunks as they are to be heard; sounds and words keep their times."""
    pitched = _Pitched(delivery.pitch)
    pause: SpeechChunk | None = None
    paused = 0.0
    async with aclosing(chunks):
        async for chunk in chunks:
            if pause is not None:
                # Here and not at once: nothing follows the last sentence.
                yield pause
                paused += delivery.pause
            pause = _pause(chunk, delivery.pause) if paused + delivery.pause <= MOST_PAUSES else None
            if delivery.pitch:
                chunk = await asyncio.to_thread(pitched.take, chunk)
            yield _at_volume(chunk, delivery.volume)
        rest = pitched.rest()
        if rest.size:
            yield _at_volume(SpeechChunk(rest), delivery.volume)


class _Pitched:
    """A stream of chunks at another pitch."""

    def __init__(self, semitones: float) -> None:
        self._semitones = semitones
        self._pitch = Pitch(semitones)

    def take(self, chunk: SpeechChunk) -> SpeechChunk:
        pcm = self._pitch.push(chunk.pcm)
        # A chunk whose sounds are timed must stay as long as it is; others may lag a little.
        if chunk.phonemes or chunk.final_of_clause:
            pcm = np.concatenate((pcm, self.rest()))
        return replace(chunk, pcm=pcm)

    def rest(self) -> NDArray[np.float32]:
        ended, self._pitch = self._pitch, Pitch(self._semitones)
        return ended.flush()


def _at_volume(chunk: SpeechChunk, volume: float) -> SpeechChunk:
    if volume == 1 or not chunk.pcm.size:
        return chunk
    return replace(chunk, pcm=limited(chunk.pcm * np.float32(volume)))


def _pause(chunk: SpeechChunk, seconds: float) -> SpeechChunk | None:
    if not seconds or not chunk.final_of_clause:
        return None
    sounds = (Phoneme(PAUSE, 0.0, seconds),) if chunk.phonemes else ()
    return SpeechChunk(np.zeros(round(seconds * SPEECH_RATE), np.float32), sounds)
