"""Speech that lies beside the benchmarks: ``<name>.opus``, and ``<name>.json`` with its sounds' timing."""

from __future__ import annotations

from pathlib import Path

import av
import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.utterances import Utterance
from streaming.speech.base import Phoneme
from streaming.timing import SPEECH_RATE

ROOT = Path(__file__).parents[1] / "recordings"


class Recording(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known about a recording.

    Attributes:
        text: what is said.
        language: BCP 47 tag.
        speaker: who, or which voice.
        licence: SPDX identifier or plain words.
        source: where it comes from.
        timing: how the sounds' times were found.
        sounds: symbol, start, end and stress of every sound (see :class:`streaming.speech.base.Phoneme`).
        words: ARPABET of the words that the aligner's dictionary lacks.
    """

    text: str
    language: str
    speaker: str
    licence: str
    source: str
    timing: str
    sounds: list[tuple[str, float, float, float]]
    words: dict[str, str] = {}


def read_sound(path: Path, rate: int = SPEECH_RATE) -> NDArray[np.float32]:
    """A sound file as (n,) float32 mono at ``rate`` hertz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    pieces: list[NDArray[np.float32]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            pieces += [out.to_ndarray()[0] for out in resampler.resample(frame)]
    pieces += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(pieces).astype(np.float32)


def write_sound(path: Path, pcm: NDArray[np.float32], rate: int = SPEECH_RATE, bitrate: int = 32_000) -> None:
    """Write (n,) float32 mono as Ogg Opus."""
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = bitrate
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48_000, frame_size=960)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm[None], np.float32), "flt", "mono")
        frame.sample_rate = rate
        for part in (frame, None):
            for out in resampler.resample(part):
                container.mux(stream.encode(out))
        container.mux(stream.encode(None))


def read_about(path: Path) -> Recording:
    """What the JSON at ``path`` says."""
    return msgspec.json.decode(path.read_bytes(), type=Recording)


def load(path: Path) -> Utterance:
    """The recording whose JSON lies at ``path``; the first word of its name says what it is grouped by."""
    recording = read_about(path)
    phonemes = tuple(Phoneme(*sound) for sound in recording.sounds)
    return Utterance(path.stem, path.stem.split("_")[0], read_sound(path.with_suffix(".opus")), phonemes)


def save(path: Path, recording: Recording) -> None:
    """Write the JSON of a recording, a line per sound."""
    about = msgspec.to_builtins(recording)
    sounds = ",\n  ".join(msgspec.json.encode(sound).decode() for sound in about.pop("sounds"))
    head = msgspec.json.format(msgspec.json.encode(about), indent=1).decode().removesuffix("\n}")
    path.write_text(f'{head},\n "sounds": [\n  {sounds}\n ]\n}}\n', encoding="utf-8")


def load_all(folder: str) -> tuple[Utterance, ...]:
    """Every recording of ``human`` or ``synthetic``, by name; none when there is no such folder."""
    return tuple(load(path) for path in sorted((ROOT / folder).glob("*.json")))
