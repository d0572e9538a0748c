import cv2
import numpy as np

from precompute.mouth.measure import measure_mouth
from precompute.mouth.raster import source_pixels
from precompute.portrait import find_portrait


def grey_along(portrait, mouth, edge, offset):
    """Mean grey of the source along a lip edge, moved down by ``offset`` eye spans."""
    grey = cv2.cvtColor(portrait.source, cv2.COLOR_BGR2GRAY)
    at = np.round(source_pixels(mouth.frame.to_pixels(edge[3:-3] + np.array([0, offset])))).astype(int)
    return grey[at[:, 1], at[:, 0]].astype(float).mean()


def test_seam_of_closed_lips_is_the_dark_line(closed_portrait):
    mouth = measure_mouth(closed_portrait)
    seam = mouth.photo.inner_upper
    assert (mouth.photo.gap == 0).all()
    on, above, below = (grey_along(closed_portrait, mouth, seam, d) for d in (0, -0.025, 0.025))
    assert on < above - 15 and on < below - 15


def test_measures_do_not_depend_on_size(closed, finder, closed_portrait):
    large, small = measure_mouth(closed_portrait), measure_mouth(find_portrait(closed, finder, size=256))
    assert abs(small.frame.unit * 2 / large.frame.unit - 1) < 0.01
    assert np.abs(small.photo.outer_lower - large.photo.outer_lower).max() < 0.01
