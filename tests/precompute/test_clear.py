import numpy as np

from precompute.clear import GREY, RIM, over_grey


def _disc(side=96, radius=20):
    y, x = np.mgrid[:side, :side] - side / 2
    away = np.hypot(x, y)
    return np.clip(radius + 2 - away, 0, 4)[...] / 4, away


def test_the_person_is_whole_up_to_the_outermost_hair_and_grey_is_far_away():
    alpha, away = _disc()
    colours = np.zeros((96, 96, 3), np.uint8)
    colours[alpha > 0] = (10, 60, 200)
    shown = over_grey(colours, alpha.astype(np.float32))
    assert (shown[alpha > 0] == (10, 60, 200)).all()
    assert (shown[away > 24 + RIM] == GREY).all()
    # Where pixels of the outline are mixed with their neighbours, these are of the person's colours, too.
    assert (shown[away < 22 + RIM / 3] == (10, 60, 200)).all()


def test_all_or_nothing():
    colours = np.full((8, 8, 3), 77, np.uint8)
    assert (over_grey(colours, np.ones((8, 8), np.float32)) == 77).all()
    assert (over_grey(colours, np.zeros((8, 8), np.float32)) == GREY).all()
