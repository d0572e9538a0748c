import numpy as np
import pytest

pytest.importorskip("pymatting")

from benchmarks.renders import busy, render
from precompute.matting.edges import refine_edges
from precompute.matting.foreground import own_colours

PART = slice(100, 400)


@pytest.fixture(scope="module")
def person():
    return render("mira")


def test_edges_come_nearer_to_the_truth(person):
    import cv2

    picture, true = person.before(busy("grass"))[PART, PART], person.alpha[PART, PART]
    rough = cv2.GaussianBlur((true > 0.5).astype(np.float32), (0, 0), 4)
    refined = refine_edges(picture, rough)
    assert refined.dtype == np.float32 and 0 <= refined.min() and refined.max() <= 1
    assert np.abs(refined - true).mean() < 0.5 * np.abs(rough - true).mean()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_without_an_outline_nothing_changes(value):
    alpha = np.full((40, 40), value, np.float32)
    assert (refine_edges(np.zeros((40, 40, 3), np.uint8), alpha) == alpha).all()


def test_no_halo_of_the_old_background_is_left(person):
    green = np.full((64, 64, 3), (0, 255, 0), np.uint8)
    picture, alpha = person.before(green)[PART, PART], person.alpha[PART, PART]
    true = person.colours()[PART, PART].astype(float)
    rim = (alpha > 0.2) & (alpha < 0.8)
    before = np.abs(picture[rim] - true[rim]).mean()
    cleaned = own_colours(picture, alpha)
    assert np.abs(cleaned[rim] - true[rim]).mean() < 0.4 * before
    assert (cleaned[alpha == 1] == picture[alpha == 1]).all()
