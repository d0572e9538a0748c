import numpy as np
import pytest

from precompute.teeth import light_teeth

SKIN, LIP, TOOTH, CAVITY = (150, 170, 205), (100, 100, 180), (95, 100, 103), (15, 15, 25)


@pytest.fixture
def closed():
    return np.full((60, 90, 3), SKIN, np.uint8)


@pytest.fixture
def opened(closed):
    picture = closed.copy()
    picture[15:45, 15:75] = LIP
    picture[25:40, 20:70] = CAVITY
    picture[25:32, 20:70] = TOOTH
    return picture


REGION = np.ones((60, 90), np.float32)


def test_dark_teeth_are_brightened_and_nothing_else(closed, opened):
    lit = light_teeth(opened, closed, REGION).astype(int)
    assert (lit[28, 25:65] > np.array(TOOTH) * 1.15).all()
    for colour in (SKIN, CAVITY):
        away = (opened == colour).all(axis=-1)
        away[22:36] = False
        assert (lit[away] == colour).all()
    assert np.abs(lit[18, 20:70] - LIP).max() <= 1


def test_bright_teeth_stay(closed, opened):
    opened[25:32, 20:70] = (205, 215, 220)
    assert np.abs(light_teeth(opened, closed, REGION)[28, 30:60].astype(int) - opened[28, 30:60]).max() <= 4


def test_the_closed_mouth_and_what_lies_outside_stay(closed, opened):
    grey = np.full_like(closed, 100)
    np.testing.assert_array_equal(light_teeth(grey, grey, REGION), grey)
    np.testing.assert_array_equal(light_teeth(opened, closed, 0 * REGION), opened)
    np.testing.assert_array_equal(light_teeth(opened, closed, REGION, amount=0), opened)
