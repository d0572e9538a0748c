import numpy as np
import pytest

from precompute.mouth.geometry import dense
from precompute.mouth.measure import measure_mouth
from precompute.mouth.own_teeth import find_own_teeth
from precompute.mouth.raster import fill_places


@pytest.fixture(scope="module")
def mouth(smiling_portrait):
    return measure_mouth(smiling_portrait)


def test_a_smile_keeps_its_teeth_and_nothing_else(smiling_portrait, mouth):
    own = mouth.own
    assert own is not None
    pixels = smiling_portrait.source[own.mask > 250].astype(int)
    assert len(pixels) > 1000
    assert np.median(pixels.min(axis=1)) > 150 and np.median(np.ptp(pixels, axis=1)) < 60
    assert own.colour.min() > 0.7
    upper, lower = mouth.photo.inner_upper[14, 1], mouth.photo.inner_lower[14, 1]
    assert upper < own.edge < lower + 0.02
    assert own.arc < 0  # a smile's teeth rise towards its corners
    assert mouth.rest.inner_upper[14, 1] < own.edge  # and lips at rest cover their edge


def test_the_row_fades_at_its_ends(mouth):
    columns = mouth.own.mask.max(axis=0)
    shown = np.flatnonzero(columns)
    assert columns[shown[0] + 1] < 90 and columns[shown[-1] - 1] < 90 and columns.max() == 255


def test_lower_teeth_are_not_taken_for_upper_ones(smiling_portrait, mouth):
    photo, source = mouth.photo, smiling_portrait.source.copy()
    ring = np.vstack([dense(photo.inner_upper), dense(photo.inner_lower)[::-1]])
    opening = fill_places(source.shape[:2], mouth.frame, ring) > 0
    source[opening] = (30, 25, 60)
    assert find_own_teeth(source, mouth.frame, photo) is None
    middle = photo.inner_upper * 0.35 + photo.inner_lower * 0.65
    low = np.vstack([dense(middle), dense(photo.inner_lower)[::-1]])
    source[fill_places(source.shape[:2], mouth.frame, low) > 0] = (190, 215, 225)
    assert find_own_teeth(source, mouth.frame, photo) is None
    high = np.vstack([dense(photo.inner_upper), dense(middle)[::-1]])
    source[fill_places(source.shape[:2], mouth.frame, high) > 0] = (190, 215, 225)
    assert find_own_teeth(source, mouth.frame, photo) is not None


def test_a_closed_mouth_has_none(closed_portrait):
    assert measure_mouth(closed_portrait).own is None
