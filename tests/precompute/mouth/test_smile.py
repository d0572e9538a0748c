import numpy as np
import pytest

from precompute.mouth.geometry import MIDDLE, dense
from precompute.mouth.measure import measure_mouth
from precompute.mouth.raster import fill_places
from precompute.mouth.smile import REST_WIDTH, clear_opening, relax


@pytest.fixture(scope="module")
def mouth(smiling_portrait):
    return measure_mouth(smiling_portrait)


def test_a_smile_closes_and_narrows(mouth):
    rest = mouth.rest
    assert np.abs(rest.gap).max() < 1e-9 and mouth.photo.gap.max() > 0.07
    photo_width, rest_width = (np.ptp(edges.outer_upper[:, 0]) for edges in (mouth.photo, rest))
    assert REST_WIDTH < rest_width < photo_width
    assert mouth.chin_rise == 0  # a posed smile has its jaw shut


def test_a_hanging_jaw_rises(mouth):
    rest, rise = relax(mouth.photo, teeth=False)
    assert rise > 0.02 and np.abs(rest.gap).max() < 1e-9
    assert rest.outer_lower[MIDDLE, 1] < mouth.photo.outer_lower[MIDDLE, 1]


def test_opening_is_painted_over_and_teeth_are_kept(smiling_portrait, mouth):
    source = smiling_portrait.source
    cleared, own = clear_opening(source, mouth), mouth.own
    ring = np.vstack([dense(mouth.photo.inner_upper), dense(mouth.photo.inner_lower)[::-1]])
    opening = fill_places(source.shape[:2], mouth.frame, ring) > 0

    def teeth(picture):
        pixels = picture[opening].astype(int)
        return ((pixels.min(axis=1) > 180) & (np.ptp(pixels, axis=1) < 50)).mean()

    assert teeth(source) > 0.3 and teeth(cleared) < 0.1
    far = np.ones(source.shape[:2], bool)
    reach = int(0.3 * mouth.frame.unit * 2)
    x, y = (mouth.frame.origin * 2).astype(int)
    far[y - reach : y + reach, x - 2 * reach : x + 2 * reach] = False
    assert (cleared[far] == source[far]).all()
    assert (own.source == source).all() and own.mask[opening].mean() > 100
