import numpy as np
import pytest

from streaming.face.log_mel import FLOOR, log_mel
from streaming.face.mel_level import LOUD, MOST_GAIN, QUIET, MelLevel

PAIRS_PER_SECOND = 50


def rows_of(decibels, seconds=1.0, seed=0):
    """Rows whose summed mel power is at this level."""
    rng = np.random.default_rng(seed)
    rows = log_mel(rng.standard_normal(int(seconds * 24_000)).astype(np.float32))[4:]
    level = 10 * np.log10(np.exp(rows).sum(axis=1).mean())
    return (rows + np.log(10) / 10 * (decibels - level)).astype(np.float32)


def gain_after(rows, voice):
    """Decibels that a loud row gains once ``rows`` were heard."""
    level = MelLevel()
    for i in range(0, len(rows) - 1, 2):
        level.apply(rows[i : i + 2])
        level.listen(rows[i : i + 2], voice)
    probe = np.zeros((2, 40), np.float32)
    return float(level.apply(probe).mean()) / np.log(10) * 10


@pytest.mark.parametrize("decibels", [QUIET, -20.0, LOUD])
def test_usual_voices_are_left_alone(decibels):
    assert abs(gain_after(rows_of(decibels, 4.0), 0.9)) < 0.5


@pytest.mark.parametrize(("decibels", "gain"), [(-40.0, QUIET + 40), (LOUD + 6, -6.0), (-90.0, MOST_GAIN)])
def test_quiet_voices_are_raised_and_overloud_ones_lowered(decibels, gain):
    assert gain_after(rows_of(decibels, 8.0), 0.9) == pytest.approx(gain, abs=1.0)


def test_noise_is_never_pulled_up():
    assert gain_after(rows_of(-60.0, 20.0), 0.2) == 0.0


def test_the_gain_moves_slowly_and_stays_in_pauses():
    first, more = gain_after(rows_of(-50.0, 0.8), 0.9), gain_after(rows_of(-50.0, 1.6), 0.9)
    assert 0.0 < first < 12.0 and first + 6.0 < more < 24.0
    level, quiet = MelLevel(), rows_of(-45.0, 6.0)
    for i in range(0, len(quiet) - 1, 2):
        level.listen(quiet[i : i + 2], 0.9)
    before = level.apply(quiet[:2])
    for _ in range(500):
        level.listen(np.full((2, 40), np.log(FLOOR), np.float32), 0.05)
    np.testing.assert_array_equal(level.apply(quiet[:2]), before)


def test_digital_silence_stays_silent():
    level, quiet = MelLevel(), rows_of(-45.0, 6.0)
    for i in range(0, len(quiet) - 1, 2):
        level.listen(quiet[i : i + 2], 0.9)
    silent = np.full((2, 40), np.log(FLOOR), np.float32)
    np.testing.assert_allclose(level.apply(silent), silent, atol=1e-3)
