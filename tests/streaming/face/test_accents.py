import math

import numpy as np
import pytest

from streaming.face.accents import GAP_FRAMES, LIMIT, STRESS_LIMIT, Accents, StressAccents
from streaming.speech.base import Phoneme
from streaming.timing import FPS


def rises(curve):
    up = np.asarray(curve) > 0.05
    return np.flatnonzero(up[1:] & ~up[:-1]) + 1


def brows_of(*parts, rate=100):
    accents, at = StressAccents(), 0.0
    for symbol, seconds, stress in parts:
        accents.add(Phoneme(symbol, at, at + seconds, stress))
        at += seconds
    return accents.brow(np.arange(round((at + 0.5) * rate)) / rate)


def heard(energies):
    accents = Accents()
    return np.array([accents.take(e) for e in energies])


def test_long_stressed_vowels_lift_the_brows_before_they_peak():
    brow = brows_of(("_", 0.3, 0), ("t", 0.1, 0), ("ɑ", 0.2, 1.0), ("_", 0.4, 0))
    assert 0.4 < brow.max() <= STRESS_LIMIT
    assert brow[30] == 0 < brow[38] and 40 < brow.argmax() < 62
    assert brows_of(("_", 0.3, 0), ("ɑ", 0.2, 0.5), ("t", 0.1, 1.0)).max() == 0


def test_a_phrase_begins_with_a_rise_that_the_same_vowel_later_does_not_get():
    word = [("t", 0.05, 0), ("æ", 0.09, 1.0), ("n", 0.4, 0)]
    assert len(rises(brows_of(("_", 0.2, 0), *word * 3))) == 1
    assert len(rises(brows_of(("_", 0.2, 0), *word * 2, ("_", 0.3, 0), *word))) == 2


def test_brows_do_not_bob_with_every_stress():
    brow = brows_of(("_", 0.2, 0), *[("ɑ", 0.15, 1.0), ("t", 0.1, 0)] * 16)
    assert 2 <= len(rises(brow)) <= 4


def test_old_raises_can_be_forgotten():
    accents = StressAccents()
    accents.add(Phoneme("ɑ", 0.2, 0.4, 1.0))
    accents.forget(0.5)
    assert accents.brow(np.array([0.4])) > 0
    accents.forget(1.0)
    assert accents.brow(np.array([0.4])) == 0


def test_a_voice_that_gets_louder_lifts_the_brows():
    steady, loud = [0.6] * 40, [0.7, 0.75, 0.75, 0.7]
    brow = heard([*steady, *loud, *steady])
    assert brow[:40].max() == 0
    assert len(rises(brow)) == 1 and 0.3 < brow.max() <= LIMIT
    assert brow[70:].max() == 0


@pytest.mark.parametrize("offset", [0.0, -0.25])
def test_the_level_of_a_recording_does_not_matter(offset):
    energies = [0.6 + offset] * 40 + [0.72 + offset] * 4 + [0.6 + offset] * 20
    assert heard(energies).max() == pytest.approx(heard([e - offset for e in energies]).max(), abs=0.01)


def test_accents_are_apart_and_pauses_are_none():
    beat = [0.6] * 5 + [0.75, 0.78, 0.7]
    brow = heard([0.65] * 20 + beat * 20)
    assert np.diff(rises(brow)).min() >= GAP_FRAMES
    words = [0.6] * 30
    assert heard([*words, *[0.0] * 20, *words, *[0.0] * 20, *words]).max() == 0


def test_bad_numbers_stay_within_bounds():
    brow = heard([math.nan, math.inf, -1, 7] * FPS)
    assert ((brow >= 0) & (brow <= 1)).all()
