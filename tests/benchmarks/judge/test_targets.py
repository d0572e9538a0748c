import numpy as np

from benchmarks.judge.targets import OPEN_APERTURE, Targets
from streaming.speech.base import Phoneme

SOUNDS = (
    Phoneme("_", 0.0, 0.2),
    Phoneme("m", 0.2, 0.32),
    Phoneme("ɑ", 0.32, 0.68, 1.0),
    Phoneme("p", 0.68, 0.8),
    Phoneme("u", 0.8, 1.0, 1.0),
    Phoneme("_", 1.0, 1.2),
)


def targets():
    return Targets(SOUNDS, 30)


def test_the_mouth_should_open_on_vowels_and_close_on_lips():
    aperture = targets().aperture()
    assert len(aperture) == 30
    assert aperture[12] > 0.6
    assert max(aperture[0], aperture[6], aperture[18], aperture[29]) < 0.05


def test_the_mouth_should_be_narrow_on_u():
    width = targets().width()
    assert width[22] < -0.5 < width[12]


def test_a_later_moment_is_asked_for_by_a_positive_shift():
    now, later = targets().aperture(), targets().aperture(shift=8)
    assert np.allclose(later[:-1], now[1:])


def test_closures_are_looked_for_in_their_own_frames_or_beside():
    assert targets().closures(0) == [range(5, 9), range(17, 21)]
    assert targets().closures(1) == [range(4, 10), range(16, 22)]


def test_open_vowels_are_those_open_all_the_time():
    assert targets().open_vowels(1) == [range(11, 14)]
    assert targets().aperture()[11:14].min() >= OPEN_APERTURE
    closed = Targets((Phoneme("_", 0, 0.3), Phoneme("i", 0.3, 0.5), Phoneme("_", 0.5, 1.0)), 25)
    assert closed.open_vowels(0) == []


def test_lips_should_be_apart_only_well_inside_vowels():
    apart = targets().apart()
    assert apart[12] and not apart[[0, 6, 18, 29]].any()


def test_frames_are_named_by_their_sounds():
    assert targets().sounds(5) == "m"
    assert targets().sounds(17) == "p"
    assert targets().sounds(16) == "ɑ"
    assert targets().frames_of(frozenset("mp")) == [6, 18]


def test_mouths_rest_well_inside_pauses():
    long = Targets((Phoneme("ɑ", 0.0, 0.4), Phoneme("_", 0.4, 1.2), Phoneme("m", 1.2, 1.4)), 35)
    assert np.flatnonzero(long.resting()).tolist() == list(range(17, 26))
    assert np.flatnonzero(targets().resting()).tolist() == [0]
