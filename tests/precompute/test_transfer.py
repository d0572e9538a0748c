import cv2
import numpy as np
import pytest

from precompute.transfer import follow_gaze, transfer


@pytest.fixture
def face():
    rng = np.random.default_rng(3)
    coarse = rng.integers(60, 200, (24, 24, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (192, 192), interpolation=cv2.INTER_CUBIC), np.uint8)


def _stretched(picture, by):
    x, y = np.meshgrid(np.arange(192, dtype=np.float32), np.arange(192, dtype=np.float32))
    near = np.exp(-(((x - 96) / 50) ** 2) - ((y - 96) / 50) ** 2)
    return np.asarray(cv2.remap(picture, x + by * near * (x - 96) / 50, y, cv2.INTER_CUBIC), np.uint8)


def test_a_variant_moves_as_the_face_does(face):
    variant = face.copy()
    cv2.ellipse(variant, (96, 96), (30, 6), 0, 0, 360, (40, 40, 90), -1, cv2.LINE_AA)
    wanted = _stretched(variant, 8.0).astype(int)
    found = transfer(variant, face, _stretched(face, 8.0)).astype(int)
    unmoved = np.abs(variant - wanted)[60:130, 40:150].mean()
    assert np.abs(found - wanted)[60:130, 40:150].mean() < 0.35 * unmoved


def test_a_change_of_light_is_carried_over(face):
    darker = (face * 0.9).astype(np.uint8)
    found = transfer(face, face, darker).astype(int)
    assert abs(found.mean() - darker.mean()) < 2


def test_lids_hide_what_the_eye_does_and_the_rest_follows():
    ahead = np.full((40, 60, 3), 200, np.uint8)
    look = ahead.copy()
    look[10:30, 20:40] = 120
    lowered = ahead.copy()
    lowered[:20] = 90
    found = follow_gaze(lowered, ahead, look)
    np.testing.assert_array_equal(found[:16], lowered[:16])
    np.testing.assert_array_equal(found[24:28, 24:36], look[24:28, 24:36])
