import numpy as np
import pytest

from avatars.musetalk import CROP, MASK_SIDE
from streaming.compositor.place import Bounds, below, bounds_of, place_patch
from tests.support.drawn import PATCH, soft_mask

FRAME = (400, 300)
BOX = (50.3, 20.7, 250.9, 280.1)


def _place(box=BOX, mask=None, frame=FRAME):
    mask = soft_mask() if mask is None else mask
    place = place_patch(box, mask, bounds_of(mask[None])[0], PATCH, frame)
    assert place is not None
    return place


def _luma(place):
    _, _, w, h = place.rect
    return place.alpha[: w * h].reshape(h, w)


def test_bounds_are_the_rows_and_columns_that_show():
    mask = np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
    mask[60:100, 30] = mask[80, 20:90] = 1
    assert bounds_of(np.stack([mask, np.zeros_like(mask)])) == [Bounds(20, 60, 90, 100), None]


@pytest.mark.parametrize(
    "box", [BOX, (-30.5, -60.1, 210.2, 270.7), (300.5, 100.0, 460.0, 340.0), (0.0, 0.0, 400.0, 300.0)]
)
def test_the_region_is_even_tight_and_within_the_frame(box):
    place = _place(box)
    x, y, w, h = place.rect
    assert not any(n % 2 for n in place.rect)
    assert x >= 0 and y >= 0 and x + w <= FRAME[0] and y + h <= FRAME[1]
    shown = _luma(place) > 0
    # No more than what even numbers cost, and a faint rim that rounds to 0.
    rim = 2 + np.ceil(2 * max(box[2] - box[0], box[3] - box[1]) / MASK_SIDE)
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    assert rows[0] <= rim and columns[0] <= rim
    assert h - 1 - rows[-1] <= rim and w - 1 - columns[-1] <= rim


def test_nothing_shows_of_a_box_beyond_the_frame():
    mask = soft_mask()
    for left, right in ((500.0, 700.0), (-300.0, -100.0), (50.0, 50.0)):
        assert place_patch((left, 20.0, right, 280.0), mask, bounds_of(mask[None])[0], PATCH, FRAME) is None


def test_the_mask_of_a_whole_crop_is_the_box():
    whole = np.full((MASK_SIDE, MASK_SIDE), 255, np.uint8)
    box = (20.0, 10.0, 20.0 + CROP, 10.0 + CROP)
    place = _place(box, whole)
    inside = np.zeros(FRAME[::-1], bool)
    inside[10 : 10 + CROP, 20 : 20 + CROP] = True
    x, y, w, h = place.rect
    shown = inside[y : y + h, x : x + w]
    # Over the last pixel of the mask it goes to 0, half of the way on either side of the border.
    assert (_luma(place)[shown] >= 255 * 0.75**2 - 1).all()
    assert (_luma(place)[~shown] <= 64).all()
    assert (_luma(place)[4:-4, 4:-4] == 255).all()
    np.testing.assert_allclose(place.luma, [[1, 0, x - 20 - PATCH[0]], [0, 1, y - 10 - PATCH[1]]])
    np.testing.assert_allclose(
        place.chroma, [[1, 0, (x - 20 - PATCH[0]) / 2], [0, 1, (y - 10 - PATCH[1]) / 2]]
    )


def test_below_cuts_what_meets_the_rectangle_and_comes_in_softly():
    place = _place()
    x, y, w, h = place.rect
    cut = below(place, (x + 20, y - 30, 40, 50), 10)
    assert cut is not None and cut.rect == (x, y + 20, w, h - 20)
    before, after = _luma(place)[20:].astype(float), _luma(cut).astype(float)
    np.testing.assert_array_equal(after[10:], before[10:])
    np.testing.assert_allclose(after[:10], before[:10] * ((np.arange(10) + 0.5) / 10)[:, None], atol=0.5)
    # The same pixel of the patch stays at the same pixel of the frame.
    for one, other, rows in ((place.luma, cut.luma, 20), (place.chroma, cut.chroma, 10)):
        np.testing.assert_allclose(one @ (5, 7 + rows, 1), other @ (5, 7, 1))


@pytest.mark.parametrize("rect", [(0, 0, 400, 20), (0, 0, 20, 300), (390, 0, 10, 300), (0, 280, 400, 20)])
def test_below_leaves_what_does_not_meet(rect):
    place = _place()
    assert below(place, rect, 10) is place


def test_below_a_rectangle_that_covers_everything_is_nothing():
    assert below(_place(), (0, 0, *FRAME), 10) is None
    assert below(None, (0, 0, *FRAME), 10) is None
