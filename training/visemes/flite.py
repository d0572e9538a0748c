"""A test set of a speech engine that is never trained on: Flite, with its own timing."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from streaming.errors import EngineUnavailable
from streaming.timing import SPEECH_RATE
from training.visemes import arpabet, text
from training.visemes.clips import FLITE, Clip, path_of, save, to_int16

VOICES = ("slt", "rms", "awb", "kal16")
SENTENCES = 8
"""Of each voice."""
INSTALL = "Debian: apt install flite"


def generate_tests(folder: Path) -> None:
    """Write what Flite says.

    Raises:
        EngineUnavailable: it is not installed.
    """
    if shutil.which("flite") is None:
        raise EngineUnavailable(f"The test set of Flite needs the program flite ({INSTALL}).")
    for i, voice in enumerate(VOICES):
        for k in range(SENTENCES):
            name = f"flite_{voice}_{k}"
            if path_of(folder, name).exists():
                continue
            line = text.HELD_OUT[(i * SENTENCES + k) % len(text.HELD_OUT)].replace("'", "")
            with tempfile.TemporaryDirectory() as scratch:
                path = Path(scratch) / "said.wav"
                command = ["flite", "-voice", voice, "-t", line, "-psdur", "-o", str(path)]
                told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                rate, samples = wavfile.read(path)
            pcm = _at_our_rate(samples / 32768.0, rate)
            phones: list[tuple[str, float, float]] = []
            for part in told.split():
                phone, _, end = part.rpartition(":")
                phones.append((phone, phones[-1][2] if phones else 0.0, float(end)))
            sounds = arpabet.sounds(phones, pcm)
            save(folder, Clip(name, FLITE, voice, "en", to_int16(pcm), sounds))


def _at_our_rate(pcm: np.ndarray, rate: int) -> np.ndarray:
    common = int(np.gcd(rate, SPEECH_RATE))
    return resample_poly(pcm, SPEECH_RATE // common, rate // common)
