"""Judges the model file as it ships, on voices, engines, languages and people that it was not trained on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.face.atlas_face import AtlasFace
from streaming.face.base import FaceRequest
from streaming.face.log_mel import log_mel
from streaming.face.viseme_net import STEP_MS, VisemeNet
from streaming.speech.base import Phoneme, SpeechChunk
from streaming.timing import SPEECH_RATE
from training.visemes import metrics, rooms
from training.visemes.clips import PEOPLE, TRAIN, UNSEEN_VOICES, Clip
from training.visemes.metrics import Case, Frames

MAIN_LOOK_AHEAD_MS = 80
NOISE_SECONDS = 20
TAIL_SECONDS = 0.2
ROOM_SECONDS, ROOM_DECIBELS = 0.45, 1.0
"""Reverberation time, and level of the direct sound over all reflections, of the named room."""
PAUSE_SECONDS = 0.3
"""A mouth must rest in a pause from so long after speech to so long before."""
NOISE_LEVELS = (-60.0, -50.0, -40.0, -30.0, -20.0)
SPEECH_LEVEL = -20.0
"""dBFS of the clips when noise of a given level is added."""

Samples = NDArray[np.floating]
Change = Callable[[Samples, np.random.Generator], Samples]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        sets: figures of :func:`metrics.judge` by test set and condition.
        rest: share of frames that move, by the name of a noise.
    """

    sets: dict[str, dict[str, float]]
    rest: dict[str, float]


class Judge:
    """Runs the model.

    Args:
        model: the ONNX file.
        alignment: better timing of some clips' sounds.
    """

    def __init__(self, model: Path, alignment: Mapping[str, tuple[Phoneme, ...]] | None = None) -> None:
        self._net = VisemeNet(model)
        self._alignment = alignment or {}

    @property
    def look_aheads_ms(self) -> tuple[int, ...]:
        """Of the model's heads."""
        return tuple(steps * STEP_MS for steps in self._net.look_ahead_steps)

    def hear(self, sound: Samples, look_ahead_ms: int = MAIN_LOOK_AHEAD_MS) -> Frames:
        """Frames of a sound."""
        tail = np.zeros(int(TAIL_SECONDS * SPEECH_RATE), np.float32)
        padded = np.concatenate((np.asarray(sound, np.float32), tail))
        head = self.look_aheads_ms.index(look_ahead_ms)
        return metrics.frames(self._net.open().hear(log_mel(padded))[:, head], look_ahead_ms)

    def case(self, clip: Clip, made: Frames) -> Case:
        """A clip's frames beside those that were wanted."""
        count = min(len(made), len(clip.pcm) * 25 // SPEECH_RATE)
        sounds = self._alignment.get(clip.name, clip.sounds)
        return Case(made[:count], metrics.wanted_frames(sounds, count), sounds)

    def judge(
        self, clips: Sequence[Clip], look_ahead_ms: int = MAIN_LOOK_AHEAD_MS, change: Change | None = None
    ) -> dict[str, float]:
        """Figures of some clips, changed or as they are."""
        cases = []
        for clip in clips:
            sound: Samples = clip.sound
            if change is not None:
                sound = change(sound, np.random.default_rng(zlib.crc32(clip.name.encode()) + 1))
            cases.append(self.case(clip, self.hear(sound, look_ahead_ms)))
        return metrics.judge(cases)

    def shown(self, clips: Sequence[Clip]) -> dict[str, float]:
        """The same of what the listening face shows in the end, with the model that ships."""
        face = AtlasFace()
        cases = []
        for clip in clips:
            stream = face.open(FaceRequest(clip.voice, MAIN_LOOK_AHEAD_MS))
            shapes = [*stream.push(SpeechChunk(clip.sound)), *stream.flush()]
            rows = [(s.aperture, (s.width + 1) / 2, s.press, s.bite, s.tongue, 1.0) for s in shapes]
            cases.append(self.case(clip, np.array(rows)))
        return metrics.judge(cases)

    def baseline(self, clips: Sequence[Clip]) -> dict[str, float]:
        """The same of a mouth that follows loudness."""
        return metrics.judge([self.case(clip, metrics.loudness_baseline(clip.sound)) for clip in clips])


def quieter(sound: Samples, rng: np.random.Generator) -> Samples:
    """26 dB less."""
    return sound * np.float32(0.05)


def in_named_room(sound: Samples, rng: np.random.Generator) -> Samples:
    """A diffuse room of known reverberation."""
    t = np.arange(int(1.1 * ROOM_SECONDS * SPEECH_RATE)) / SPEECH_RATE
    response = rng.standard_normal(len(t)) * np.exp(-6.9 * t / ROOM_SECONDS) * (t > 0.004)
    response *= 10 ** (-ROOM_DECIBELS / 20) / np.linalg.norm(response)
    response[0] = 1.0
    return rooms.convolved(sound, response)


def noisy(colour: float, decibels: float) -> Change:
    """Noise this much below the speech."""

    def change(sound: Samples, rng: np.random.Generator) -> Samples:
        level = float(np.sqrt(np.square(sound).mean())) * 10 ** (-decibels / 20)
        return sound + rooms.coloured_noise(len(sound), colour, rng) * np.float32(level)

    return change


CONDITIONS: dict[str, Change] = {
    "26 dB quieter": quieter,
    "pink noise 10 dB below": noisy(rooms.COLOURS[1], 10.0),
    "white noise 20 dB below": noisy(rooms.COLOURS[0], 20.0),
    "room 0.45 s": in_named_room,
    "random rooms": rooms.in_room,
    "telephone": lambda sound, rng: rooms.over_telephone(sound),
}


def evaluate(judge: Judge, clips: Iterable[Clip], tell: Callable[[str], None] = lambda line: None) -> Report:
    """Everything."""
    by_set: dict[str, list[Clip]] = {}
    for clip in clips:
        if clip.split != TRAIN:
            by_set.setdefault(clip.split, []).append(clip)
            if clip.split.startswith(PEOPLE):
                by_set.setdefault(PEOPLE, []).append(clip)
    sets: dict[str, dict[str, float]] = {}
    for name, members in sorted(by_set.items()):
        for look_ahead in judge.look_aheads_ms:
            label = name if look_ahead == MAIN_LOOK_AHEAD_MS else f"{name}, {look_ahead} ms"
            sets[label] = judge.judge(members, look_ahead)
        sets[f"{name}, as the face shows it"] = judge.shown(members)
        sets[f"{name}, loudness only"] = judge.baseline(members)
        for language in sorted({clip.language for clip in members}):
            some = [clip for clip in members if clip.language == language]
            if len(some) < len(members):
                sets[f"{name}, {language}"] = judge.judge(some)
        if name in (UNSEEN_VOICES, PEOPLE):
            for condition, change in CONDITIONS.items():
                sets[f"{name}, {condition}"] = judge.judge(members, change=change)
        tell(name)
    return Report(sets, _rest(judge) | _rest_in_pauses(judge, by_set.get(UNSEEN_VOICES, [])))


def _rest(judge: Judge) -> dict[str, float]:
    """Frames that move where nobody speaks."""
    rng = np.random.default_rng(5)
    samples = NOISE_SECONDS * SPEECH_RATE
    out = {"silence": metrics.moving(judge.hear(np.zeros(samples, np.float32)))}
    for name, colour in (("white", 0), ("pink", 1)):
        noise = rooms.coloured_noise(samples, rooms.COLOURS[colour], rng)
        for level in NOISE_LEVELS:
            sound = noise * np.float32(10 ** (level / 20))
            out[f"{name} noise {level:g} dBFS"] = metrics.moving(judge.hear(sound))
    t = np.arange(samples) / SPEECH_RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * t) / k for k in range(1, 12)) * 0.05
    out["mains hum"] = metrics.moving(judge.hear(np.asarray(hum, np.float32)))
    clicks = np.zeros(samples)
    for at in rng.integers(0, samples - 1200, 80):
        clicks[at : at + 1200] += rng.standard_normal(1200) * np.exp(-np.arange(1200) / 180) * 0.3
    out["typing"] = metrics.moving(judge.hear(clicks.astype(np.float32)))
    chords = np.zeros(samples + SPEECH_RATE)
    for k in range(2 * NOISE_SECONDS):
        one = np.arange(SPEECH_RATE) / SPEECH_RATE
        for note in 220 * 2 ** (rng.integers(0, 24, 3) / 12):
            for harmonic in range(1, 7):
                at = k * SPEECH_RATE // 2
                chords[at : at + SPEECH_RATE] += (
                    np.sin(2 * np.pi * note * harmonic * one) / harmonic * np.exp(-3 * one) * 0.08
                )
    out["music"] = metrics.moving(judge.hear(chords[:samples].astype(np.float32)))
    return out


def _rest_in_pauses(judge: Judge, clips: Sequence[Clip]) -> dict[str, float]:
    """Frames that move in the pauses of speech over noise of several levels."""
    out: dict[str, float] = {}
    for level in (None, *NOISE_LEVELS[:-1]):
        moved = total = 0
        for clip in clips:
            rng = np.random.default_rng(zlib.crc32(clip.name.encode()) + 2)
            silence = np.zeros(SPEECH_RATE, np.float32)
            speech = (
                clip.sound / np.sqrt(np.square(clip.sound).mean()) * np.float32(10 ** (SPEECH_LEVEL / 20))
            )
            sound = np.concatenate((silence, speech, silence)).astype(np.float32)
            if level is not None:
                sound += rooms.coloured_noise(len(sound), rooms.COLOURS[1], rng) * np.float32(
                    10 ** (level / 20)
                )
            made = judge.hear(sound)
            gap = int((1 - PAUSE_SECONDS) * 25)
            quiet = np.zeros(len(made), bool)
            quiet[:gap] = True
            spoken = len(clip.pcm) * 25 // SPEECH_RATE
            quiet[25 + spoken + 25 - gap : 25 + spoken + 25] = True
            moved += int((metrics.opening(made)[quiet] > metrics.MOVED).sum())
            total += int(quiet.sum())
        name = "no noise" if level is None else f"pink noise {level:g} dBFS"
        out[f"before and after speech, {name}"] = moved / max(1, total)
    return out
