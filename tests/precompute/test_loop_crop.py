import numpy as np
import pytest

from precompute.errors import AvatarRejected
from precompute.loop_crop import advice_on, find_crop
from precompute.mesh_points import EYE_OUTER_LEFT, EYE_OUTER_RIGHT


def face(x: float, y: float, size: float) -> np.ndarray:
    """(468, 2) points of a face of a height around a place."""
    rng = np.random.default_rng(6)
    points = rng.uniform(-0.5, 0.5, (468, 2)) * (0.8, 1.0)
    points[0], points[1] = (-0.4, -0.5), (0.4, 0.5)
    points[EYE_OUTER_RIGHT], points[EYE_OUTER_LEFT] = (-0.25, -0.1), (0.25, -0.1)
    return points * size + (x, y)


def faces(*places) -> np.ndarray:
    return np.array([face(*place) for place in places], np.float32)


def test_head_and_shoulders_are_shown_with_the_face_above_the_middle():
    crop = find_crop(faces((640, 360, 200)), 1280, 720, 512)
    assert crop.side == 500 and crop.left == 390 and crop.top == 135
    middle = crop.place(np.array([640.0, 360.0]))
    assert middle == pytest.approx([256, 230.4], abs=1)


def test_a_face_that_wanders_gets_a_larger_square_that_holds_it_all_the_time():
    still, places = find_crop(faces((640, 360, 200)), 1280, 720, 512), ((600, 350, 200), (680, 370, 210))
    meshes = faces(*places)
    crop = find_crop(meshes, 1280, 720, 512)
    assert crop.side > still.side
    shown = crop.place(meshes)
    assert shown.min() > 60 and shown.max() < 452


def test_the_square_stays_inside_the_picture():
    for x, y in ((150, 200), (1150, 200), (640, 560)):
        crop = find_crop(faces((x, y, 220)), 1280, 720, 512)
        assert crop.left >= 0 and crop.top >= 0
        assert crop.left + crop.side <= 1280 and crop.top + crop.side <= 720


def test_what_is_cut_is_where_points_say_it_is():
    frame = np.zeros((720, 1280, 3), np.uint8)
    frame[300:320, 500:520] = 255
    crop = find_crop(faces((600, 340, 200)), 1280, 720, 512)
    bright = np.argwhere(crop.cut(frame)[..., 0] > 127).mean(axis=0)[::-1]
    assert bright == pytest.approx(crop.place(np.array([509.5, 309.5])), abs=0.6)


@pytest.mark.parametrize(
    ("places", "code"),
    [
        ([(640, 360, 60)], "face_too_small"),
        ([(640, 360, 700)], "face_cut_off"),
        ([(200, 360, 250), (1000, 360, 250)], "face_cut_off"),
    ],
)
def test_faces_that_do_not_fit_are_refused(places, code):
    with pytest.raises(AvatarRejected) as caught:
        find_crop(faces(*places), 1280, 720, 512)
    assert caught.value.code == code


def test_advice_is_given_where_it_is_due():
    assert advice_on(faces((640, 360, 300)), 130, (0.0, 0.1)) == ()
    said = advice_on(faces((640, 360, 100)), 20, (0.0, 0.4))
    assert len(said) == 3 and "small" in said[0] and "dark" in said[1] and "turns round" in said[2]
