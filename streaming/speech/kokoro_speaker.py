"""What Kokoro's worker thread does: load, read and render. No asyncio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.speech.kokoro_files import find_voice
from streaming.speech.kokoro_languages import LANGUAGES, KokoroLanguage, Reader, open_reader
from streaming.speech.kokoro_loudness import gain_of
from streaming.speech.kokoro_model import KokoroModel, Running
from streaming.speech.kokoro_timing import sounds_of
from streaming.speech.limiter import limited
from streaming.speech.reading import Reading
from streaming.speech.symbol_timing import Sound
from streaming.speech.text.alignment import align
from streaming.speech.text.clauses import Clause, Ending
from streaming.speech.text.lettering import align_letters

_GOES_ON = ","
_CLOSED = frozenset(",;:.!?—…")


@dataclass(slots=True)
class Rendered:
    """A spoken portion: (n,) float32 PCM at 24 kHz and the sounds that cover it."""

    pcm: NDArray[np.float32]
    sounds: list[Sound]


@dataclass(frozen=True, slots=True)
class ReadClause:
    """A clause as it is pronounced, and where each of its words stands in the script."""

    reading: Reading
    spans: list[tuple[int, int]]


class KokoroSpeaker:
    """Loads what is needed when it is needed. One thread at a time.

    Args:
        data_dir: folder that holds ``voices/kokoro``.
        threads: cores that one run of the network uses.
    """

    def __init__(self, data_dir: Path, threads: int) -> None:
        self._data_dir = data_dir
        self._threads = threads
        self._model: KokoroModel | None = None
        self._styles: dict[str, NDArray[np.float32]] = {}
        self._readers: dict[str, Reader] = {}

    @property
    def model(self) -> KokoroModel:
        """The network; loading it takes 0.7 s.

        Raises:
            EngineUnavailable: the weights are not installed, or damaged.
        """
        if self._model is None:
            self._model = KokoroModel(self._threads)
        return self._model

    def reader(self, tag: str) -> Reader:
        """What pronounces a language of :data:`streaming.speech.kokoro_languages.LANGUAGES`.

        Raises:
            EngineUnavailable: a package is missing.
        """
        if tag not in self._readers:
            self._readers[tag] = open_reader(LANGUAGES[tag], self.model.alphabet)
        return self._readers[tag]

    def read(self, language: KokoroLanguage, clause: Clause, script: str) -> ReadClause:
        """Pronounce a clause of a script."""
        reading = self.reader(language.tag)(clause.text)
        if language.spaced:
            spans = align(clause.tokens, reading.words) if reading.words else []
        else:
            spans = align_letters(script, clause.tokens, reading.words)
        return ReadClause(reading, spans)

    def render(
        self, portion: Reading, ending: Ending, voice: str, speed: float, running: Running | None = None
    ) -> Rendered:
        """Speak a portion of a clause.

        Args:
            portion: at least one letter.
            ending: how it ends.
            voice: name of a voice that lies here.
            speed: 0.5 (slow) .. 2.0 (fast).
            running: what can end the run early.
        """
        if voice not in self._styles:
            self._styles[voice] = find_voice(self._data_dir, voice).load()
        if portion.symbols[-1] not in _CLOSED:
            # Without a mark at its end the network swallows the last sound; the mark also sets the melody.
            mark = "." if ending in (Ending.SENTENCE, Ending.PARAGRAPH) else _GOES_ON
            portion = portion.with_more(mark)
        rendering = self.model.run(portion.symbols, self._styles[voice], speed, running)
        sounds = sounds_of(portion.symbols, portion.word_of_symbol, rendering.steps, rendering.pcm, speed)
        return Rendered(limited(rendering.pcm * np.float32(gain_of(voice))), sounds)
