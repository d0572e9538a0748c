import pytest

from streaming.compositor.loud_mouth import WIDEST, LoudMouth
from streaming.slots import FacePixels


def _apertures(energies, pixels=b"x"):
    mouth = LoudMouth()
    return [mouth.shape(FacePixels(0, pixels, energy)).aperture for energy in energies]


def test_it_opens_with_the_voice_and_shuts_between_words():
    # As the energy of speech goes, which rises quickly and falls slowly.
    rising = _apertures([0.4, 0.69, 0.85, 0.96, 1.0])
    assert rising[0] == 0 and rising == sorted(rising) and rising[-1] == WIDEST
    falling = _apertures([1.0, 0.98, 0.92, 0.82, 0.72, 0.9])
    assert falling[1] > falling[2] > falling[3] == falling[4] == 0 < falling[5]


def test_a_patch_that_is_shown_twice_moves_nothing():
    once = _apertures([0.9, 0.86, 0.84])
    assert _apertures([0.9, 0.9, 0.86, 0.86, 0.84, 0.84])[::2] == once
    assert _apertures([0.9, 0.9, 0.86, 0.86, 0.84, 0.84])[1::2] == once


def test_it_is_shut_where_nobody_speaks():
    assert _apertures([0.9, 0.95, 1.0], b"") == [0, 0, 0]
    shape = LoudMouth().shape(FacePixels(0, b"", 0.9, 0.4))
    assert (shape.energy, shape.brow) == (pytest.approx(0.9), pytest.approx(0.4))
