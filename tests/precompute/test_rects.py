import numpy as np

from precompute.rects import UNTOUCHED, even_rect, feather
from precompute.sharpen import REACH, sharpen


def test_rect_is_even_encloses_and_stays_inside():
    x, y, w, h = even_rect(np.array([11.3, -4.0]), np.array([40.2, 99.9]), 64)
    assert (x, y, w, h) == (10, 0, 32, 64)


def test_feather_leaves_a_rim_that_sharpening_cannot_reach():
    cover = feather((0, 0, 60, 40), 8)
    assert cover.shape == (40, 60) and cover.max() == 1
    inner = cover[REACH + 1 : -REACH - 1, REACH + 1 : -REACH - 1]
    assert cover.sum() == inner.sum() and UNTOUCHED > REACH


def test_sharpening_keeps_flat_parts_and_steepens_edges():
    picture = np.full((20, 20, 3), 100.0)
    picture[:, 10:] = 140
    sharp = sharpen(picture).astype(int)
    assert (sharp[:, :5] == 100).all() and (sharp[:, 15:] == 140).all()
    assert sharp[10, 9, 0] < 95 and sharp[10, 10, 0] > 145
