import cv2
import numpy as np
import pytest

from precompute.musetalk.crops import face_crop, square_crop


def _ramp(width=200, height=120):
    """Blue rises with x, green with y, by a level a pixel; a pixel's value is that of its middle."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.arange(width)[None, :]
    picture[..., 1] = np.arange(height)[:, None]
    return picture


@pytest.mark.parametrize(
    "box", [(20.0, 10.0, 84.0, 106.0), (20.5, 10.25, 84.25, 106.5), (0.0, 0.0, 200.0, 120.0)]
)
def test_crops_lie_where_the_box_lies_to_fractions_of_a_pixel(box):
    crop = face_crop(_ramp(), np.array(box, np.float32)).astype(float)
    assert crop.shape == (256, 256, 3)
    left, top, right, bottom = box
    middles = (np.arange(256) + 0.5) / 256
    inner = slice(12, -12)
    assert np.abs(crop[128, inner, 0] - (left + middles * (right - left) - 0.5)[inner]).max() <= 0.75
    assert np.abs(crop[inner, 128, 1] - (top + middles * (bottom - top) - 0.5)[inner]).max() <= 0.75
    # Half a pixel of shift would show in the mean.
    assert abs(crop[128, inner, 0].mean() - ((left + right) / 2 - 0.5)) < 0.2


def test_a_box_of_the_crops_own_size_is_copied():
    picture = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    np.testing.assert_array_equal(face_crop(picture, np.array([8, 20, 264, 276.0])), picture[20:276, 8:264])


def test_fine_patterns_become_grey_and_no_moire():
    checks = (np.indices((1024, 1024)).sum(axis=0) % 2 * 255).astype(np.uint8)
    crop = face_crop(np.repeat(checks[..., None], 3, 2), np.array([10.3, 10.3, 900.7, 900.7]))
    assert np.abs(crop[8:-8, 8:-8].astype(int) - 127).max() < 12


def test_a_square_reaches_outside_of_the_frame():
    crop = square_crop(_ramp(), np.array([-20.0, -20.0, 100.0]), 200).astype(float)
    assert crop.shape == (200, 200, 3)
    np.testing.assert_array_equal(crop[:40, :40, :2], 0)
    assert np.abs(crop[100, 60:190, 0] - ((np.arange(60, 190) + 0.5) / 2 - 20 - 0.5)).max() <= 1


def test_a_large_square_is_shrunk_by_areas():
    noise = np.random.default_rng(1).integers(0, 2, (1000, 1000, 1)).repeat(3, 2) * 255
    crop = square_crop(noise.astype(np.uint8), np.array([0.0, 0, 1000]), 100)
    assert crop.std() < 25
    steps = square_crop(
        np.asarray(cv2.resize(_ramp(), (2000, 1200)), np.uint8), np.array([100.0, 100, 1000]), 100
    ).astype(float)
    assert np.abs(steps[50, 5:-5, 0] - (np.arange(5, 95) + 0.5 + 10 - 0.5)).max() <= 1
