import numpy as np
import pytest

from streaming.speech.symbol_timing import PAUSE, timed_sounds

RATE = 24_000


def noise(seconds):
    return np.asarray(np.random.default_rng(0).standard_normal(round(seconds * RATE)) * 0.1, np.float32)


def sounds(symbols, steps=4.0):
    pcm = noise(steps * 0.025 * (len(symbols) + 2))
    return timed_sounds(symbols, [0] * len(symbols), np.full(len(symbols) + 2, steps, np.float32), pcm, 0.05)


def test_tones_and_other_marks_lengthen_the_sound_before_them():
    found = sounds("ma↓ʂʰi→")
    assert [s.symbol for s in found] == ["m", "a", "ʂ", "i"]
    assert found[1].end - found[1].start == pytest.approx(0.2)
    assert found[2].end - found[2].start == pytest.approx(0.2)


def test_a_nasal_vowel_keeps_its_mark():
    assert [s.symbol for s in sounds("bɔ\u0303ʒ")] == ["b", "ɔ\u0303", "ʒ"]


def test_sounds_are_earlier_than_the_steps_say():
    found = sounds("abc")
    assert found[1].start == pytest.approx(0.2 - 0.05)
    assert found[0].start == 0.0 and found[-1].symbol != PAUSE
