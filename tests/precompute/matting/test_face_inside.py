import numpy as np
import pytest

from precompute.errors import AvatarRejected
from precompute.matting.face_inside import face_mask, judge_matte, keep_face
from tests.support.mattes import body


def test_a_matte_that_has_the_person_passes():
    alpha, points = body()
    judge_matte(alpha, points)


@pytest.mark.parametrize(("value", "code"), [(0.0, "matte_empty"), (1.0, "matte_full")])
def test_a_matte_of_nothing_or_everything_is_refused_by_name(value, code):
    alpha, points = body()
    with pytest.raises(AvatarRejected, match="keep the background") as caught:
        judge_matte(np.full_like(alpha, value), points)
    assert caught.value.code == code


def test_a_matte_of_something_else_is_refused():
    alpha, points = body()
    with pytest.raises(AvatarRejected) as caught:
        judge_matte(np.roll(alpha, 90, axis=1), points)
    assert caught.value.code == "matte_empty"


def test_the_face_is_whole_whatever_the_network_said():
    alpha, points = body()
    bitten = alpha.copy()
    bitten[60:80, 80:110] = 0
    kept = keep_face(bitten, points)
    assert (kept[face_mask(points, alpha.shape, -0.03) > 0] == 1).all()
    assert (keep_face(alpha, points) == alpha).all()


def test_things_that_do_not_hang_together_with_the_person_go():
    alpha, points = body()
    busy = alpha.copy()
    busy[5:30, 5:30] = 0.9
    assert (keep_face(busy, points) == alpha).all()


def test_the_oval_grows_and_shrinks():
    _, points = body()
    areas = [face_mask(points, (200, 200), grow).sum() for grow in (-0.05, 0.0, 0.05)]
    assert areas == sorted(areas) and areas[0] < areas[2]
