"""The fixed sets, and what had to be left out of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from benchmarks.judge import recordings
from benchmarks.judge.drivers import FACE, open_driver, patches_of, shifted
from benchmarks.judge.noise import silences
from benchmarks.judge.utterances import HUMAN, SILENCE, SYNTHETIC, TEXT, Utterance, UtteranceSet
from benchmarks.texts import SENTENCES
from precompute.strip import SENTENCE
from streaming.errors import LipstreamError
from streaming.speech.base import Phoneme, SpeechEngine, SpeechRequest
from streaming.speech.registry import build_chain
from streaming.timing import SPEECH_RATE

TEXTS = (SENTENCE, *SENTENCES[:6])
TEXT_ENGINE = "hibari"
"""Its timing is exact, and it is always there."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A set that could not be rendered, and why."""

    name: str
    reason: str


async def speak(
    engine: SpeechEngine,
    text: str,
    name: str,
    group: str,
    voice: str | None = None,
    language: str | None = None,
) -> Utterance:
    """A text, spoken whole.

    Raises:
        LipstreamError: the engine cannot speak it.
    """

    async def pieces() -> AsyncIterator[str]:
        yield text

    phonemes: list[Phoneme] = []
    pcm: list[np.ndarray] = []
    samples = 0
    async with aclosing(engine.synthesize(SpeechRequest(pieces(), voice=voice, language=language))) as chunks:
        async for chunk in chunks:
            phonemes += shifted(tuple(chunk.phonemes), samples / SPEECH_RATE)
            samples += len(chunk.pcm)
            pcm.append(chunk.pcm)
    return Utterance(name, group, np.concatenate(pcm), tuple(phonemes))


def gather(names: Iterable[str]) -> tuple[list[UtteranceSet], list[LeftOut]]:
    """The sets of these names, as far as they can be rendered here."""
    sets: list[UtteranceSet] = []
    left_out: list[LeftOut] = []
    deaf = _deafness()
    for name in names:
        if name == TEXT:
            sets.append(UtteranceSet(TEXT, asyncio.run(_speak_texts()), timed=True))
            continue
        utterances = {
            SYNTHETIC: lambda: recordings.load_all("synthetic"),
            HUMAN: lambda: recordings.load_all("human"),
            SILENCE: silences,
        }[name]()
        if not utterances:
            left_out.append(LeftOut(name, "there are no recordings"))
        elif deaf is not None:
            left_out.append(LeftOut(name, deaf))
        else:
            sets.append(UtteranceSet(name, utterances))
    return sets, left_out


async def _speak_texts() -> tuple[Utterance, ...]:
    engine = build_chain(TEXT_ENGINE)
    return tuple([await speak(engine, text, f"{i:02d}", "en") for i, text in enumerate(TEXTS)])


def _deafness() -> str | None:
    """Why the default face cannot follow sound alone; ``None`` when it can."""
    try:
        silence = Utterance("silence", "", np.zeros(SPEECH_RATE, np.float32))
        patches_of(open_driver(FACE, ""), silence, timed=False)
    except LipstreamError as error:
        return str(error)
    return None
