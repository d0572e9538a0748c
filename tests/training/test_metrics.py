from dataclasses import replace

import numpy as np
import pytest

from streaming.speech.base import Phoneme
from training.visemes import metrics
from training.visemes.metrics import APERTURE, PRESS, VOICE, Case

SOUNDS = (
    Phoneme("_", 0.0, 0.4),
    Phoneme("ɑ", 0.4, 0.7, 1.0),
    Phoneme("b", 0.7, 0.8),
    Phoneme("ɛ", 0.8, 1.1, 1.0),
    Phoneme("m", 1.1, 1.2),
    Phoneme("u", 1.2, 1.5, 1.0),
    Phoneme("_", 1.5, 2.0),
)
FRAMES = 48


def perfect() -> Case:
    wanted = metrics.wanted_frames(SOUNDS, FRAMES)
    return Case(wanted.copy(), wanted, SOUNDS)


def test_the_wanted_curves_themselves_are_perfect() -> None:
    figures = metrics.judge([perfect()])
    assert figures["recall"] == figures["strict recall"] == 1.0 and figures["closures"] == 2
    assert figures["false closures"] == figures["vowels shut"] == 0.0
    assert figures["opening"] > 0.95 and figures["press"] == pytest.approx(1.0)


def test_a_mouth_that_never_closes_has_no_recall() -> None:
    case = perfect()
    case.made[:, PRESS] = 0.0
    case.made[:, APERTURE] = 0.5
    figures = metrics.judge([case])
    assert figures["recall"] == 0.0 and figures["vowels shut"] == 0.0 and figures["opening"] < 0.9


def test_a_mouth_that_is_always_shut_has_false_closures() -> None:
    case = perfect()
    case.made[:, PRESS] = 1.0
    figures = metrics.judge([case])
    assert figures["recall"] == 1.0 and figures["false closures"] == 1.0 and figures["vowels shut"] == 1.0


def test_late_mouths_are_worse() -> None:
    case = perfect()
    late = replace(case, made=np.roll(case.made, 3, axis=0))
    assert metrics.judge([late])["opening"] < metrics.judge([case])["opening"] - 0.2


def test_heads_are_compared_at_the_same_moments() -> None:
    steps = np.repeat(np.arange(100, dtype=np.float64)[:, None] * 20, 6, axis=1)
    now, later = metrics.frames(steps, 0), metrics.frames(steps + 80, 80)
    assert np.array_equal(now[: len(later)] + 160, later)


def test_a_mouth_moves_only_where_somebody_speaks() -> None:
    made = np.zeros((10, 6))
    made[:5, APERTURE] = 0.4
    assert metrics.moving(made) == 0.0
    made[:, VOICE] = 1.0
    assert metrics.moving(made) == 0.5


def test_loudness_alone_opens_with_the_sound() -> None:
    pcm = np.concatenate((np.zeros(9600), np.sin(np.arange(9600) * 0.05))).astype(np.float32)
    made = metrics.loudness_baseline(pcm)
    assert made.shape == (20, 6)
    assert made[:9, APERTURE].max() == 0 and made[12:, APERTURE].min() > 0.5
