from fractions import Fraction

import numpy as np
import pytest

from precompute.video_slots import Timed, fill_slots

SLOT = Fraction(1, 25)


def filled(times, lasts=SLOT):
    frames = [Timed(n, Fraction(time).limit_denominator(90_000), lasts) for n, time in enumerate(times)]
    return list(fill_slots(frames))


def test_our_own_rate_is_left_as_it_is():
    assert filled([n / 25 for n in range(100)]) == list(range(100))


@pytest.mark.parametrize("rate", [10, 15, 24, 24000 / 1001, 30000 / 1001, 30, 48, 50, 59.94, 60, 120, 240])
def test_nothing_drifts_in_a_minute_of_any_rate(rate):
    count = round(60 * rate)
    shown = filled([n / rate for n in range(count)], Fraction(1 / rate).limit_denominator(10**6))
    assert abs(len(shown) - 1500) <= 1
    away = [slot / 25 + 0.02 - frame / rate for slot, frame in enumerate(shown)]
    assert min(away) > -0.0021 and max(away) < 1 / rate + 0.0021


def test_every_other_frame_of_twice_the_rate_even_with_times_in_whole_milliseconds():
    rng = np.random.default_rng(1)
    times = [round(n / 50 + rng.uniform(-0.0008, 0.0008), 3) for n in range(200)]
    assert filled(times, Fraction(1, 50)) == list(range(1, 200, 2))


def test_gaps_are_filled_by_what_was_there_and_the_last_frame_has_its_time():
    assert filled([0, 0.04, 0.2, 0.24]) == [0, 1, 1, 1, 1, 2, 3]
    assert filled([0, 0.04], Fraction(1, 5)) == [0, 1, 1, 1, 1, 1]


def test_time_begins_with_the_first_frame_wherever_that_is():
    assert filled([7.5 + n / 25 for n in range(5)]) == [0, 1, 2, 3, 4]
    assert filled([-1 + n / 25 for n in range(5)]) == [0, 1, 2, 3, 4]


def test_what_comes_out_of_order_is_left_out():
    assert filled([0, 0.04, 0.02, 0.04, 0.08]) == [0, 1, 4]


def test_nothing_gives_nothing():
    assert filled([]) == []
