import numpy as np
import pytest

from avatars.atlas import crop, validate
from avatars.errors import BundleInvalid
from tests.support.atlas import small_atlas


def test_a_whole_atlas_is_valid():
    validate(small_atlas())


def test_crop_is_a_view_of_the_rectangle():
    picture = np.zeros((8, 8, 3), np.uint8)
    crop(picture, np.array([2, 4, 4, 2], np.int32))[:] = 9
    assert picture[4:6, 2:6].min() == 9
    assert picture.sum() == 9 * 4 * 2 * 3


def _odd_still():
    return np.zeros((95, 128, 3), np.uint8)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"still": _odd_still()}, "still"),
        ({"still": np.zeros((96, 128), np.uint8)}, "still"),
        ({"mouth_rect": np.array([41, 56, 48, 32], np.int32)}, "mouth_rect"),
        ({"mouth_rect": np.array([100, 56, 48, 32], np.int32)}, "mouth_rect"),
        ({"eye_rect": np.array([-2, 24, 64, 16], np.int32)}, "eye_rect"),
        ({"apertures": np.array([0, 0.5, 0.5], np.float32)}, "apertures"),
        ({"apertures": np.array([0.1, 0.5, 1], np.float32)}, "apertures"),
        ({"apertures": np.array([0, np.nan, 1], np.float32)}, "apertures"),
        ({"widths": np.array([-1, -0.5, 1], np.float32)}, "widths"),
        ({"mouths": small_atlas().mouths[:2]}, "mouths"),
        ({"press_levels": np.array([0.5, 0.9], np.float32)}, "press_levels"),
        ({"bite_widths": np.array([0], np.float32)}, "bite"),
        ({"tongue_levels": np.array([0, 1], np.float32)}, "tongue_levels"),
        ({"lids": np.array([0, 0.3, 0.6, 0.9], np.float32)}, "lids"),
        ({"gazes": np.array([[1, 0], [0, 0]], np.float32)}, "gazes"),
        ({"motion": np.zeros((6, 9, 9, 2), np.float32)}, "motion"),
        ({"motion": np.full((7, 9, 9, 2), np.inf, np.float32)}, "motion"),
        ({"landmarks": np.zeros((478, 2), np.float32)}, "landmarks"),
        ({"mouths": np.roll(small_atlas().mouths, 1, axis=0)}, "mouths at rest"),
        ({"eyes": small_atlas().eyes[::-1].copy()}, "eyes at rest"),
    ],
)
def test_what_does_not_fit_is_named(changes, named):
    with pytest.raises(BundleInvalid, match=named):
        validate(small_atlas(**changes))


def test_an_avatar_without_tongue_pictures_is_valid():
    empty = np.empty((0, 32, 48, 3), np.uint8)
    validate(small_atlas(tongue_levels=np.empty(0, np.float32), tongue=empty))
