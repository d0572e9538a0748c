"""Kokoro's many voices, speaking English and invented words of their own languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.errors import EngineUnavailable
from streaming.speech.base import Phoneme
from streaming.speech.kokoro_files import INSTALL_VOICES, LANGUAGE_OF_LETTER, VoiceFile, find_voices
from streaming.speech.kokoro_languages import LANGUAGES, Reader, open_reader
from streaming.speech.kokoro_model import KokoroModel
from streaming.speech.kokoro_timing import sounds_of
from training.visemes import syllables, text
from training.visemes.clips import OTHER_LANGUAGES, TRAIN, UNSEEN_VOICES, Clip, path_of, save, to_int16

SPEEDS = (0.85, 1.2)
SHORTEST, LONGEST = 8, 200
"""Symbols of one utterance."""
ENGLISH_SHARE = 0.35
"""Share of English in what voices of other languages say."""
AMERICAN, BRITISH = "en-US", "en-GB"

HELD_OUT_ENGLISH = ("af_bella", "af_river", "am_fenrir", "am_puck", "bf_lily", "bm_lewis")
HELD_OUT_OTHERS = (
    *("jf_gongitsune", "jm_kumo", "zf_xiaoni", "zm_yunxi", "em_alex", "ff_siwis", "if_sara", "pm_alex"),
    "hm_psi",
)
HELD_OUT = (*HELD_OUT_ENGLISH, *HELD_OUT_OTHERS)
"""Never trained on; ff_siwis is the only French voice, so French is never heard in training."""
TESTS_PER_VOICE = 8


class Kokoro:
    """The engine's network and voices, on one thread.

    Args:
        data_dir: the program's data folder, in which ``lipstream voice install kokoro`` put the voices.

    Raises:
        EngineUnavailable: voices or the network are missing.
    """

    def __init__(self, data_dir: Path) -> None:
        self._model = KokoroModel(threads=1)
        self._files: dict[str, VoiceFile] = {voice.name: voice for voice in find_voices(data_dir)}
        missing = set(HELD_OUT) - set(self._files)
        if missing:
            raise EngineUnavailable(
                f"Kokoro's voices are not all in {data_dir}: {', '.join(sorted(missing))}. "
                f"Fetch them: {INSTALL_VOICES}"
            )
        self._styles: dict[str, NDArray[np.float32]] = {}
        self._readers: dict[str, Reader] = {}

    @property
    def voices(self) -> tuple[str, ...]:
        """Names of the voices that are there."""
        return tuple(self._files)

    def read(self, line: str, language: str) -> str:
        """The symbols of a sentence."""
        if language not in self._readers:
            self._readers[language] = open_reader(LANGUAGES[language], self._model.alphabet)
        return self._readers[language](line).symbols

    def speak(
        self, symbols: str, voice: str, speed: float
    ) -> tuple[NDArray[np.float32], tuple[Phoneme, ...]] | None:
        """Sound and timing; ``None`` when there is too little or too much to say."""
        symbols = self._model.known(symbols)
        if not SHORTEST <= len(symbols) <= LONGEST:
            return None
        if voice not in self._styles:
            self._styles[voice] = self._files[voice].load()
        spoken = self._model.run(symbols, self._styles[voice], speed)
        sounds = sounds_of(symbols, [0] * len(symbols), spoken.steps, spoken.pcm, speed)
        return spoken.pcm, tuple(Phoneme(s.symbol, s.start, s.end, s.stress) for s in sounds)

    def record(self, folder: Path, name: str, split: str, voice: str, symbols: str, speed: float) -> None:
        """Write a clip unless it is there."""
        spoken = None if path_of(folder, name).exists() else self.speak(symbols, voice, speed)
        if spoken is not None:
            language = LANGUAGE_OF_LETTER[voice[0]]
            save(folder, Clip(name, split, voice, language, to_int16(spoken[0]), spoken[1]))


def generate(folder: Path, data_dir: Path, rounds: int, seed: int) -> None:
    """Write one training utterance of every voice per round; what is there is kept."""
    kokoro = Kokoro(data_dir)
    english = text.English(text.dictionary(), np.random.default_rng(seed))
    trained = [voice for voice in kokoro.voices if voice not in HELD_OUT]
    for i in range(rounds * len(trained)):
        name = f"kokoro_{i:05d}"
        if path_of(folder, name).exists():
            continue
        rng = np.random.default_rng((seed, 2, i))
        voice = trained[i % len(trained)]
        language = LANGUAGE_OF_LETTER[voice[0]].split("-")[0]
        if language == "en" or rng.random() < ENGLISH_SHARE:
            english.reseed(rng)
            accent = BRITISH if voice[0] == "b" else AMERICAN
            symbols = kokoro.read(english.sentence(), accent)
        else:
            symbols = syllables.sentence(language, rng)
        kokoro.record(folder, name, TRAIN, voice, symbols, float(rng.uniform(*SPEEDS)))


def generate_tests(folder: Path, data_dir: Path) -> None:
    """Write the test sets: held-out voices with held-out sentences, in English and in other languages."""
    kokoro = Kokoro(data_dir)
    for i, voice in enumerate(HELD_OUT_ENGLISH):
        for k in range(TESTS_PER_VOICE):
            name = f"kokoro_test_{voice}_{k}"
            if not path_of(folder, name).exists():
                line = text.HELD_OUT[(i * TESTS_PER_VOICE + k) % len(text.HELD_OUT)]
                symbols = kokoro.read(line, LANGUAGE_OF_LETTER[voice[0]])
                kokoro.record(folder, name, UNSEEN_VOICES, voice, symbols, 1.0)
    for voice in HELD_OUT_OTHERS:
        language = LANGUAGE_OF_LETTER[voice[0]]
        for k, line in enumerate(text.HELD_OUT_ELSEWHERE[language.split("-")[0]]):
            name = f"kokoro_test_{voice}_{k}"
            if not path_of(folder, name).exists():
                kokoro.record(folder, name, OTHER_LANGUAGES, voice, kokoro.read(line, language), 1.0)
