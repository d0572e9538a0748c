import numpy as np
import pytest

from benchmarks.backdrops import bitten, iou, psnr
from benchmarks.renders import BUSY, PEOPLE, busy, render
from tests.support.mattes import body


@pytest.mark.parametrize("person", PEOPLE)
def test_a_person_is_the_same_before_any_background(person):
    known = render(person)
    inside, outside = known.alpha == 1, known.alpha == 0
    picture = known.before(np.full((90, 90, 3), (0, 255, 0), np.uint8))
    assert (picture[inside] == known.picture[inside]).all()
    assert np.abs(picture[outside].astype(int) - (0, 255, 0)).max() <= 12
    assert np.abs(known.studio - known.picture)[outside].mean() < 1.5
    assert (known.colours()[inside] == known.picture[inside]).all() and not known.colours()[outside].any()


@pytest.mark.parametrize("name", BUSY)
def test_busy_pictures_come_without_a_network(name):
    picture = busy(name)
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3 and picture.std() > 10


def test_scores_are_what_they_are_called():
    a, b = np.zeros((10, 10), np.float32), np.zeros((10, 10), np.float32)
    a[:, :6], b[:, 3:] = 1, 1
    assert iou(a, b) == pytest.approx(0.3) and iou(a, a) == 1
    grey = np.full((4, 4, 3), 100, np.uint8)
    assert psnr(grey + 10, grey, np.ones((4, 4), bool)) == pytest.approx(28.13, abs=0.01)


def test_bites_are_in_the_clothing_only():
    alpha, points = body()
    damaged = bitten(alpha, points, np.random.default_rng(1))
    lost = (alpha > 0.5) & (damaged < 0.5)
    assert lost.any() and np.flatnonzero(lost.any(axis=1))[0] > points[:, 1].max()
