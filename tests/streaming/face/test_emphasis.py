import pytest

from streaming.face.emphasis import LEAST, MOST, SILENT_DECIBELS, Emphasis


def follow(decibels):
    emphasis = Emphasis()
    return [emphasis.take(each) for each in decibels]


@pytest.mark.parametrize("level", [-14.0, -26.0, -46.0])
def test_only_what_differs_from_the_usual_level_counts(level):
    steady = follow([level] * 50)
    assert steady[-1] == pytest.approx(1.0, abs=0.02)
    louder, softer = follow([level] * 50 + [level + 8] * 6), follow([level] * 50 + [level - 8] * 12)
    assert 1.09 < louder[-1] <= MOST and LEAST <= softer[-1] < 0.93


def test_pauses_are_neither_loud_nor_quiet_and_are_forgotten():
    speech, pause = [-20.0] * 40, [-90.0] * 60
    factors = follow([*pause, *speech, *pause, *speech])
    assert set(factors[:60]) == {1.0} and set(factors[115:160]) == {1.0}
    assert factors[-1] == pytest.approx(1.0, abs=0.03)


def test_the_beginning_is_not_judged():
    assert follow([-40.0, -20.0])[1] < 1.06


def test_digital_silence_and_overload_stay_within_bounds():
    factors = follow([SILENT_DECIBELS * 3, 0.0, float("-inf"), 10.0] * 20)
    assert all(LEAST <= factor <= MOST for factor in factors)
