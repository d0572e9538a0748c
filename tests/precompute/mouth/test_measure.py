import dataclasses

import cv2
import numpy as np

from precompute.mouth.geometry import contours_of
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


def test_edges_of_an_open_mouth_lie_where_lip_ends(smiling_portrait):
    """The mesh alone takes a part of the upper lip for opening."""
    mouth = measure_mouth(smiling_portrait)
    mesh = contours_of(mouth.points)
    for fitted, plain in (
        (mouth.photo.inner_upper, mesh.inner_upper),
        (mouth.photo.inner_lower, mesh.inner_lower),
    ):
        contrast = [
            abs(
                grey_along(smiling_portrait, mouth, edge[6:-6], 0.02)
                - grey_along(smiling_portrait, mouth, edge[6:-6], -0.02)
            )
            for edge in (fitted, plain)
        ]
        assert contrast[0] > 25 and contrast[0] >= 0.95 * contrast[1]
    assert mouth.photo.gap.max() < 0.9 * mesh.gap.max()


def test_the_edge_follows_teeth_that_a_contour_misses(smiling_portrait):
    mouth = measure_mouth(smiling_portrait)
    lowered = smiling_portrait.landmarks.copy()
    for index in (95, 88, 178, 87, 14, 317, 402, 318, 324):
        lowered[index, 1] += 0.035 * mouth.frame.unit
    other = measure_mouth(dataclasses.replace(smiling_portrait, landmarks=lowered))
    middle = slice(10, 19)
    assert np.abs(other.photo.inner_lower[middle, 1] - mouth.photo.inner_lower[middle, 1]).max() < 0.012
