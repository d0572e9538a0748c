"""What the trainer reads: rows of sound in several acoustics, and labels beside them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.face.log_mel import mel_power
from streaming.speech.base import Phoneme
from streaming.timing import SPEECH_RATE
from training.visemes import labels, rooms
from training.visemes.clips import TRAIN, Clip, load, load_all, phonemes

POWER_FLOOR = 1e-9
TAIL_SECONDS = 0.6
"""Silence after each clip, in which rooms ring out."""

Alignment = Mapping[str, tuple[Phoneme, ...]]
"""Better timing of the sounds, by the clip's name."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One clip as the network meets it.

    Attributes:
        mel: (acoustics, rows, 40) float16, natural logarithm of power: dry, in a room, in another, through a
            device.
        targets: (rows + 1, 7) float16; row ``k`` is at ``k`` hundredths of a second.
        classes: (rows + 1,) sound classes.
    """

    voice: str
    mel: NDArray[np.float16]
    targets: NDArray[np.float16]
    classes: NDArray[np.int8]


def hear(clip: Clip) -> NDArray[np.float16]:
    """Rows of a clip in every acoustic, always the same for the same clip."""
    rng = np.random.default_rng(zlib.crc32(clip.name.encode()))
    sound = np.concatenate((clip.sound, np.zeros(int(TAIL_SECONDS * SPEECH_RATE), np.float32)))
    heard = (
        sound,
        rooms.in_room(sound, rng),
        rooms.in_room(sound, rng),
        rooms.through_device(sound, rng),
    )
    return np.stack([np.log(mel_power(each) + POWER_FLOOR) for each in heard]).astype(np.float16)


def prepare(clips: Path, features: Path) -> None:
    """Compute the rows of all training clips that have none yet."""
    features.mkdir(parents=True, exist_ok=True)
    for path in sorted(clips.rglob("[!.]*.npz")):
        target = features / f"{path.stem}.npy"
        if target.exists():
            continue
        clip = load(path)
        if clip.split == TRAIN:
            unfinished = features / f".{path.stem}.npy"
            np.save(unfinished, hear(clip))
            unfinished.rename(target)


def read(clips: Path, features: Path, alignment: Alignment | None = None) -> list[Utterance]:
    """All training utterances whose rows are prepared."""
    out: list[Utterance] = []
    for clip in load_all(clips):
        path = features / f"{clip.name}.npy"
        if clip.split == TRAIN and path.exists():
            mel = np.load(path)
            rows = mel.shape[1] + 1
            sounds = (alignment or {}).get(clip.name, clip.sounds)
            targets = labels.targets(sounds, rows).astype(np.float16)
            out.append(Utterance(clip.voice, mel, targets, labels.classes(sounds, rows)))
    return out


def save_alignment(path: Path, alignment: Alignment) -> None:
    """Write better timing, without pickle."""
    names = list(alignment)
    sounds: Sequence[Phoneme] = [sound for name in names for sound in alignment[name]]
    np.savez(
        path,
        names=np.array(names),
        counts=np.array([len(alignment[name]) for name in names]),
        symbols=np.array([sound.symbol for sound in sounds]),
        times=np.array([(sound.start, sound.end, sound.stress) for sound in sounds], np.float32),
    )


def load_alignment(path: Path) -> dict[str, tuple[Phoneme, ...]]:
    """Read what :func:`save_alignment` wrote."""
    with np.load(path, allow_pickle=False) as parts:
        ends = np.cumsum(parts["counts"])
        symbols, times = parts["symbols"], parts["times"]
        return {
            str(name): phonemes(symbols[end - count : end], times[end - count : end])
            for name, end, count in zip(parts["names"], ends, parts["counts"], strict=True)
        }
