"""hibari as many speakers: its network predicts a spectrum per frame, which is warped before it is heard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hibari import dsp
from numpy.typing import NDArray

from streaming.speech.base import Phoneme
from streaming.speech.hibari_model import PADDING, HibariModel
from training.visemes import text
from training.visemes.clips import TRAIN, Clip, path_of, save, to_int16

VOICE = "heart"
PLAIN_SHARE = 0.1
"""Share of speakers with hibari's own voice."""
CLIPS_PER_SPEAKER = 4
"""Enough to get to know a voice by."""
SPEEDS = (0.75, 1.35)
FORMANTS = (-0.20, 0.17)
"""Natural logarithm of the vocal tract's scale, from long to short."""
PITCHES = (-0.45, 0.25)
"""Natural logarithm of the pitch, beyond that of the vocal tract."""
MELODY = (0.3, 1.6)
"""How lively the pitch is."""
BREATH = (-0.6, 0.9)
"""Added to the logarithm of the noise."""
VOICED_HERTZ = 40.0
BEYOND = -4.0
"""Logarithm of the level above what a long vocal tract's warp leaves."""


@dataclass(slots=True)
class Speaker:
    """How one random speaker differs."""

    formants: float = 1.0
    pitch: float = 1.0
    melody: float = 1.0
    breath: float = 0.0

    @classmethod
    def random(cls, rng: np.random.Generator) -> Speaker:
        """Anybody."""
        formants = float(np.exp(rng.uniform(*FORMANTS)))
        pitch = formants * float(np.exp(rng.uniform(*PITCHES)))
        return cls(formants, pitch, rng.uniform(*MELODY), rng.uniform(*BREATH))


class ManyVoices(HibariModel):
    """hibari with a speaker that can be changed between renderings."""

    def __init__(self, voice: str) -> None:
        super().__init__(voice)
        self.speaker = Speaker()

    def _run(
        self, symbols: str, speed: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        ids = [PADDING, *(self._vocabulary[symbol] for symbol in symbols), PADDING]
        inputs = {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
        *spectra, steps = (np.asarray(output) for output in self._session.run(None, inputs))
        lh, theta, ln, lr, phi, f0 = (spectrum[0] for spectrum in spectra)
        speaker = self.speaker
        if speaker.formants != 1.0:
            lh, theta, ln, lr = (_stretch(part, speaker.formants) for part in (lh, theta, ln, lr))
            phi = phi[np.clip(np.round(np.arange(len(phi)) / speaker.formants).astype(int), 0, len(phi) - 1)]
        voiced = f0 > VOICED_HERTZ
        if voiced.any():
            mean = f0[voiced].mean()
            f0 = np.where(voiced, mean * (np.maximum(f0, 1) / mean) ** speaker.melody * speaker.pitch, f0)
        ln = ln + np.float32(speaker.breath)
        lh, theta, ln, lr, phi = (np.ascontiguousarray(part) for part in (lh, theta, ln, lr, phi))
        return dsp.synth(lh, theta, ln, lr, phi, f0.astype(np.float32), rng), steps.ravel()


def _stretch(spectrum: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Move everything at frequency f to ``scale * f``; bins along the first axis."""
    last = len(spectrum) - 1
    at = np.arange(len(spectrum)) / scale
    low = np.clip(at.astype(int), 0, last - 1)
    share = np.clip(at - low, 0, 1)[:, None]
    out = spectrum[low] * (1 - share) + spectrum[low + 1] * share
    out[at > last] += BEYOND
    return out.astype(np.float32)


def generate(folder: Path, count: int, seed: int) -> None:
    """Write ``count`` clips of random sentences by random speakers; those that are there are kept."""
    model = ManyVoices(VOICE)
    english = text.English(text.dictionary(), np.random.default_rng(seed))
    for i in range(count):
        name = f"hibari_{i:05d}"
        if path_of(folder, name).exists():
            continue
        speaker = i // CLIPS_PER_SPEAKER
        character = np.random.default_rng((seed, 3, speaker))
        plain = character.random() < PLAIN_SHARE
        model.speaker = Speaker() if plain else Speaker.random(character)
        rng = np.random.default_rng((seed, 1, i))
        english.reseed(rng)
        reading = model.read(english.sentence())
        if not reading.symbols:
            continue
        spoken = model.render(reading, 1.0 if plain else float(rng.uniform(*SPEEDS)), rng)
        sounds = tuple(Phoneme(s.symbol, s.start, s.end, s.stress) for s in spoken.sounds)
        save(folder, Clip(name, TRAIN, f"hibari_{speaker}", "en", to_int16(spoken.pcm), sounds))
