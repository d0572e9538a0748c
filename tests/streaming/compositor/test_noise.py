import numpy as np
import pytest

from streaming.compositor.noise import smooth_noise

SLOTS = np.arange(60000, dtype=float)


def test_noise_has_mean_0_and_deviation_1_and_is_bounded():
    noise = smooth_noise(1, 0, SLOTS, 20.0)
    assert abs(noise.mean()) < 0.05 and abs(noise.std() - 1) < 0.03
    assert np.abs(noise).max() < 2.6


def test_noise_is_smooth_and_band_limited():
    noise = smooth_noise(3, 0, SLOTS, 20.0)
    assert np.abs(np.diff(noise)).max() < 0.2 and np.abs(np.diff(noise, 2)).max() < 0.03
    power = np.abs(np.fft.rfft(noise)) ** 2
    above = np.fft.rfftfreq(len(noise)) > 1 / 20
    assert power[above].sum() < 0.01 * power[1:].sum()


def test_moments_far_apart_have_nothing_in_common():
    noise = smooth_noise(5, 0, SLOTS, 20.0)
    for lag in (80, 200, 1000, 20000):
        assert abs(np.corrcoef(noise[:-lag], noise[lag:])[0, 1]) < 0.08
    assert abs(np.corrcoef(noise, smooth_noise(5, 1, SLOTS, 20.0))[0, 1]) < 0.05


def test_any_moment_can_be_asked_for_alone():
    noise = smooth_noise(2, 1, SLOTS[:500], 13.0)
    assert smooth_noise(2, 1, SLOTS[321:322], 13.0)[0] == noise[321]


@pytest.mark.parametrize("period", [60, 100, 333])
def test_a_period_closes(period):
    noise = smooth_noise(2, 1, SLOTS[: 3 * period], 20.0, period)
    np.testing.assert_allclose(noise[:period], noise[period : 2 * period], atol=1e-9)
    assert noise.std() > 0.1
