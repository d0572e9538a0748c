"""hibari's network and pronunciation rules: a clause in, sound and timed phonemes out. No asyncio."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import hibari.voices
import numpy as np
import onnxruntime
from hibari import dsp
from hibari.g2p import G2P
from hibari.tts import ASSETS, MAX_PHONEMES
from numpy.typing import NDArray

from streaming.speech.english import read_english
from streaming.speech.hibari_timing import Sound, sounds_of
from streaming.speech.limiter import limited
from streaming.speech.onnx_outputs import with_float_output
from streaming.speech.reading import Reading

DURATIONS = "/Clip_output_0"
"""The tensor of symbol durations inside hibari's graph."""
PADDING = 0
"""The symbol before and after every input."""
GAIN = 2.0
"""hibari speaks at -25.5 dBFS (RMS of what is no pause, in 30 sentences and 3 pages) with peaks of 0.39, at
most 0.65; this brings it to -19.5 dBFS, or -20 LUFS, where people expect speech in a browser."""


@dataclass(slots=True)
class Utterance:
    """A rendered clause: (n,) float32 PCM at 24 kHz and the sounds that cover it."""

    pcm: NDArray[np.float32]
    sounds: list[Sound]


class HibariModel:
    """One voice, loaded once, one thread.

    Args:
        voice: name of a voice whose weights are on this machine.
        g2p: pronunciation rules to share between voices of one accent; loaded when not given.

    Raises:
        FileNotFoundError: the weights of the voice are not on this machine.
    """

    def __init__(self, voice: str, g2p: G2P | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        path = Path(hibari.voices.voice_path(voice, download_missing=False))
        model = with_float_output(path.read_bytes(), DURATIONS)
        self.g2p = g2p or G2P(british=hibari.voices.VOICES[voice]["british"])
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._vocabulary: dict[str, int] = json.loads(Path(ASSETS, "vocab.json").read_text("utf-8"))

    def read(self, text: str) -> Reading:
        """Pronounce one clause of plain text."""
        return read_english(self.g2p, text, self._vocabulary)

    def render(self, reading: Reading, speed: float, rng: np.random.Generator) -> Utterance:
        """Speak a reading; one that is longer than the model takes is spoken in parts.

        Args:
            reading: at least one symbol.
            speed: 0.5 (slow) .. 2.0 (fast).
            rng: source of the breath noise.
        """
        parts: list[NDArray[np.float32]] = []
        sounds: list[Sound] = []
        for start, stop in _parts(reading.symbols):
            symbols = reading.symbols[start:stop]
            pcm, steps = self._run(symbols, speed, rng)
            shift = sum(map(len, parts)) / dsp.SR
            for sound in sounds_of(symbols, reading.word_of_symbol[start:stop], steps, speed, pcm):
                sound.start, sound.end = sound.start + shift, sound.end + shift
                sounds.append(sound)
            parts.append(pcm)
        pcm = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return Utterance(limited(pcm * np.float32(GAIN)), sounds)

    def _run(
        self, symbols: str, speed: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        ids = [PADDING, *(self._vocabulary[symbol] for symbol in symbols), PADDING]
        inputs = {
            "ids": np.asarray([ids], np.int64),
            "speed": np.asarray([speed], np.float32),
        }
        *spectra, steps = (np.asarray(output) for output in self._session.run(None, inputs))
        lh, theta, ln, lr, phi, f0 = (spectrum[0] for spectrum in spectra)
        pcm = dsp.synth(lh, theta, ln, lr, phi, f0, rng)
        return pcm, steps.ravel()


def _parts(symbols: str) -> Sequence[tuple[int, int]]:
    """Cut a reading at spaces so that each part is within the model's limit."""
    cuts = [0]
    while len(symbols) - cuts[-1] > MAX_PHONEMES:
        space = symbols.rfind(" ", cuts[-1] + 1, cuts[-1] + MAX_PHONEMES)
        cuts.append(space if space > 0 else cuts[-1] + MAX_PHONEMES)
    return list(itertools.pairwise([*cuts, len(symbols)]))
