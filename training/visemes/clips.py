"""Speech with known timing on disk: one ``.npz`` per utterance, no pickle inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.speech.base import Phoneme

TRAIN = "train"
UNSEEN_VOICES, OTHER_LANGUAGES, FLITE = "kokoro", "kokoro other languages", "flite"
LIBRIVOX, PROMPTS = "people: LibriVox, cards", "people: telephone prompts"
"""Splits: everything but ``train`` is a test set."""
PEOPLE = "people"
"""What splits of real people begin with."""
FULL_SCALE = 32_767


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance.

    Attributes:
        name: names its file, too.
        split: ``train``, or the name of a test set.
        voice: who speaks.
        language: BCP 47 tag.
        pcm: (n,) int16 mono at 24 kHz.
        sounds: what is said when; seconds from the first sample, without gaps.
    """

    name: str
    split: str
    voice: str
    language: str
    pcm: NDArray[np.int16]
    sounds: tuple[Phoneme, ...]

    @property
    def sound(self) -> NDArray[np.float32]:
        """The PCM as float32, -1..1."""
        return self.pcm.astype(np.float32) / np.float32(FULL_SCALE)


def to_int16(pcm: NDArray[np.floating], peak: float = 0.7) -> NDArray[np.int16]:
    """PCM of any level with its highest sample at ``peak``."""
    highest = float(np.abs(pcm).max(initial=1e-3))
    return np.round(pcm * (peak / highest * FULL_SCALE)).astype(np.int16)


def save(folder: Path, clip: Clip) -> None:
    """Write a clip; a file that is there is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{clip.name}.npz"
    np.savez(
        unfinished,
        about=np.array([clip.split, clip.voice, clip.language]),
        pcm=clip.pcm,
        symbols=np.array([sound.symbol for sound in clip.sounds]),
        times=np.array([(sound.start, sound.end, sound.stress) for sound in clip.sounds], np.float32),
    )
    unfinished.rename(path_of(folder, clip.name))


def path_of(folder: Path, name: str) -> Path:
    """Where the clip of this name is."""
    return folder / f"{name}.npz"


def load(path: Path) -> Clip:
    """Read one clip."""
    with np.load(path, allow_pickle=False) as parts:
        split, voice, language = (str(part) for part in parts["about"])
        sounds = phonemes(parts["symbols"], parts["times"])
        return Clip(path.stem, split, voice, language, parts["pcm"], sounds)


def phonemes(symbols: Sequence[str] | NDArray[np.str_], times: NDArray[np.float32]) -> tuple[Phoneme, ...]:
    """Sounds from arrays: (n,) symbols and (n, 3) start, end, stress."""
    return tuple(
        Phoneme(str(symbol), float(start), float(end), float(stress))
        for symbol, (start, end, stress) in zip(symbols, times, strict=True)
    )


def load_all(folder: Path) -> Iterator[Clip]:
    """Every clip below a folder, in the order of their paths."""
    for path in sorted(folder.rglob("[!.]*.npz")):
        yield load(path)
