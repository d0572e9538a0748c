"""How good mouths are: against the curves that the known sounds would draw, at 25 frames per second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.face import visemes
from streaming.face.viseme_net import CURVE_NAMES, STEP_MS
from streaming.speech.base import Phoneme
from streaming.timing import FPS
from training.visemes import labels

APERTURE, WIDTH, PRESS, BITE, TONGUE, VOICE = range(len(CURVE_NAMES))
CORRELATED = ("opening", "width", "press", "bite", "tongue")
SHUTS = (0.20, 0.50)
"""Press in this range narrows an opening to nothing: outputs are means, so a sure closure is rarely 1."""
SHUT = 0.12
"""Openings below this look shut."""
SHUT_STRICTLY = 0.06
OPEN_VOWELS = frozenset("ɑaæʌɔɛɒeoɐ")
SHORTEST_VOWEL = 0.060
"""Seconds; the middle of a longer one must not be shut."""
VOICED = (0.20, 0.50)
"""Voice in this range, low to high, lets the mouth open."""
MOVED = 0.05
"""An opening beyond this in silence is seen."""
STEPS_PER_FRAME = 1000 // FPS // STEP_MS

Frames = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """One clip judged: what was made and what should have been, (frames, 6) each, and the sounds."""

    made: Frames
    wanted: Frames
    sounds: Sequence[Phoneme]


def frames(curves: NDArray[np.floating], look_ahead_ms: int) -> Frames:
    """Video frames of one head's rows (steps, 6): means over a frame's steps, of closures the strongest."""
    late = look_ahead_ms // STEP_MS
    count = (len(curves) - late) // STEPS_PER_FRAME
    steps = np.asarray(curves[late : late + count * STEPS_PER_FRAME], np.float64)
    return _per_frame(steps.reshape(count, STEPS_PER_FRAME, -1))


def wanted_frames(sounds: Sequence[Phoneme], count: int) -> Frames:
    """What the known sounds draw in the first ``count`` frames, in the order of the network's curves."""
    per_frame = labels.LABEL_RATE // FPS
    rows = labels.targets(sounds, count * per_frame + 1)
    chosen = rows[:, [labels.CHANNELS.index(name) for name in CURVE_NAMES]]
    steps = per_frame // STEPS_PER_FRAME
    return _per_frame(chosen[steps::steps].reshape(count, STEPS_PER_FRAME, -1).astype(np.float64))


def _per_frame(steps: Frames) -> Frames:
    out = steps.mean(1)
    out[:, [PRESS, BITE]] = steps[:, :, [PRESS, BITE]].max(1)
    return out


def ramp(values: NDArray[np.floating], limits: tuple[float, float]) -> NDArray[np.floating]:
    """0 below the lower limit, 1 above the upper one."""
    return np.clip((values - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0)


def opening(made: Frames) -> NDArray[np.floating]:
    """How far lips are apart: closed by press, and where nobody speaks."""
    return made[:, APERTURE] * (1 - ramp(made[:, PRESS], SHUTS)) * ramp(made[:, VOICE], VOICED)


def judge(cases: Sequence[Case]) -> dict[str, float]:
    """All figures of a test set, by name."""
    made = np.concatenate([case.made for case in cases])
    wanted = np.concatenate([case.wanted for case in cases])
    out = {"seconds": len(made) / FPS}
    columns = {
        "opening": (np.concatenate([opening(case.made) for case in cases]), wanted[:, APERTURE]),
        **{
            name: (made[:, i], wanted[:, i])
            for name, i in (("width", WIDTH), ("press", PRESS), ("bite", BITE), ("tongue", TONGUE))
        },
    }
    for name, (one, other) in columns.items():
        out[name] = _correlation(one, other)
    seen, strictly, total, shut_vowels, vowels = 0, 0, 0, 0, 0
    false_press, speech = 0, 0
    for case in cases:
        gap = opening(case.made)
        near = np.zeros(len(gap), bool)
        for sound in case.sounds:
            first, last = int(sound.start * FPS), int(sound.end * FPS)
            if sound.symbol in visemes.PRESSED and sound.end * FPS < len(gap):
                window = gap[max(0, first - 1) : last + 2]
                total += 1
                seen += bool(window.min() < SHUT)
                strictly += bool(window.min() < SHUT_STRICTLY)
            if sound.symbol in visemes.PRESSED or sound.symbol in visemes.BITTEN or sound.symbol in "βɸ":
                near[max(0, first - 2) : last + 3] = True
            length = sound.end - sound.start
            middle = int((sound.start + sound.end) / 2 * FPS)
            if _open(sound.symbol) and length > SHORTEST_VOWEL and middle < len(gap):
                vowels += 1
                shut_vowels += bool(gap[middle] < SHUT)
        spoken = (case.wanted[:, VOICE] > 0.9) & ~near
        false_press += int((case.made[spoken, PRESS] > SHUTS[1]).sum())
        speech += int(spoken.sum())
    out["closures"] = total
    out["recall"] = seen / max(1, total)
    out["strict recall"] = strictly / max(1, total)
    out["false closures"] = false_press / max(1, speech)
    out["vowels shut"] = shut_vowels / max(1, vowels)
    return out


def moving(made: Frames) -> float:
    """Share of frames in which the mouth is seen open."""
    return float((opening(made) > MOVED).mean())


def loudness_baseline(pcm: NDArray[np.float32]) -> Frames:
    """What a mouth does that knows only how loud it is: the usual quick solution, tuned per clip."""
    samples = 24_000 // FPS
    count = len(pcm) // samples
    blocks = pcm[: count * samples].reshape(count, samples).astype(np.float64)
    level = 10 * np.log10(np.square(blocks).mean(1) + 1e-9)
    jaw = np.clip((level - (np.percentile(level, 98) - 32)) / 32, 0, 1) ** 1.3 * 0.8
    out = np.zeros((count, len(CURVE_NAMES)))
    out[:, APERTURE], out[:, WIDTH], out[:, VOICE] = jaw, 0.5, 1.0
    return out


def _open(symbol: str) -> bool:
    return visemes.letter(symbol)[:1] in OPEN_VOWELS


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    if one.std() < 1e-6 or other.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
