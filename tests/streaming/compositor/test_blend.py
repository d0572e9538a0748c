import cv2
import numpy as np
import pytest

from avatars.musetalk import CROP
from streaming.compositor.blend import PatchBlender, underlay
from streaming.compositor.face import FaceAssets
from streaming.compositor.place import place_patch
from streaming.compositor.planes import Planes, pack, packed_size, unpack
from tests.support.drawn import PATCH, part_with, plain_blend, soft_mask

WIDTH, HEIGHT = 320, 280
BOXES = {
    "inside": (60.0, 40.0, 260.0, 250.0),
    "sub-pixel and odd": (61.37, 33.81, 247.93, 270.11),
    "as large as the crop": (7.0, 11.0, 263.0, 267.0),
    "at the frame's edge": (131.4, 51.2, 320.0, 280.0),
    "larger than the frame": (-40.3, -93.7, 371.9, 344.6),
    "small": (100.6, 90.2, 171.3, 169.8),
    "a corner alone": (200.5, 100.5, 400.5, 310.5),
}


def _picture(seed, height, width, smooth=2.5):
    """Like a photo: rough in places, over the full range."""
    random = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(random.normal(size=(height, width, 3)), (0, 0), smooth)
    broad = cv2.GaussianBlur(random.normal(size=(height, width, 3)), (0, 0), 12 * smooth)
    picture = 128 + 40 * noise / noise.std() + 60 * broad / broad.std()
    return unpack(pack(np.clip(picture, 0, 255).astype(np.uint8)), width, height)


@pytest.fixture(scope="module")
def frame():
    return _picture(1, HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def patch():
    return _picture(2, PATCH[3], PATCH[2])


def _three(planes):
    return planes.y, planes.u, planes.v


def _copy(planes):
    return Planes(*(plane.copy() for plane in _three(planes)))


def _place(box):
    place = FaceAssets(part_with(np.array([box])), WIDTH, HEIGHT).place(0)
    assert place is not None
    return place


def _still(frame, patch, box, weight):
    target = _copy(frame)
    place = _place(box)
    PatchBlender().draw_still(underlay(place, frame), patch, target.window(*place.rect))
    return target


def _moving(frame, patch, box, weight):
    target = _copy(frame)
    place = _place(box)
    window = target.window(*place.rect)
    PatchBlender().draw(place, patch, weight, frame.window(*place.rect), window)
    return target


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES.keys())
@pytest.mark.parametrize(("draw", "weight"), [(_still, 1.0), (_moving, 1.0), (_moving, 0.37)])
def test_it_is_the_plain_blend_within_two_levels(frame, patch, box, draw, weight):
    made = draw(frame, patch, box, weight)
    wanted, alpha = plain_blend(_three(frame), _three(patch), _place_box(box), soft_mask(), weight)
    for plane, exact in zip(_three(made), wanted, strict=True):
        assert np.abs(plane - exact).max() <= 2
    assert np.abs(made.y - wanted[0]).mean() < 0.5
    assert alpha.max() > 0.9 * weight


def _place_box(box):
    # Parts hold single precision.
    return tuple(float(np.float32(side)) for side in box)


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES.keys())
@pytest.mark.parametrize("draw", [_still, _moving])
def test_beyond_the_mask_not_one_level_changes(frame, patch, box, draw):
    made = draw(frame, patch, box, 1.0)
    alpha = plain_blend(_three(frame), _three(patch), _place_box(box), soft_mask())[1]
    untouched = alpha == 0
    assert untouched.any()
    np.testing.assert_array_equal(made.y[untouched], frame.y[untouched])
    quarter = untouched[::2, ::2] & untouched[1::2, ::2] & untouched[::2, 1::2] & untouched[1::2, 1::2]
    for drawn, before in ((made.u, frame.u), (made.v, frame.v)):
        np.testing.assert_array_equal(drawn[quarter], before[quarter])


def test_a_patch_that_looks_like_the_frame_changes_nothing(frame):
    # The box is the crop itself, pixel on pixel.
    box = (20.0, 8.0, 20.0 + CROP, 8.0 + CROP)
    same = frame.window(20 + PATCH[0], 8 + PATCH[1], *PATCH[2:])
    for made in (_still(frame, same, box, 1.0), _moving(frame, same, box, 1.0)):
        for drawn, before in zip(_three(made), _three(frame), strict=True):
            np.testing.assert_array_equal(drawn, before)


def test_the_extremes_do_not_overflow():
    white, black = (
        Planes(*(np.full(p.shape, level, np.uint8) for p in _three(_blank()))) for level in (255, 0)
    )
    bright = unpack(np.full(packed_size(*PATCH[2:]), 255, np.uint8), *PATCH[2:])
    box = BOXES["inside"]
    for draw in (_still, _moving):
        np.testing.assert_array_equal(draw(white, bright, box, 1.0).y, white.y)
        assert draw(black, bright, box, 1.0).y.max() == 255
    np.testing.assert_array_equal(_moving(white, bright, box, 0.999).y, white.y)


def _blank():
    return unpack(np.zeros(packed_size(WIDTH, HEIGHT), np.uint8), WIDTH, HEIGHT)


def test_one_blender_serves_places_of_any_size(frame, patch):
    blender = PatchBlender()
    for box in BOXES.values():
        place = _place(box)
        target = _copy(frame)
        blender.draw(place, patch, 1.0, frame.window(*place.rect), target.window(*place.rect))
        np.testing.assert_array_equal(target.y, _moving(frame, patch, box, 1.0).y)


def test_a_frame_may_be_drawn_over_in_place(frame, patch):
    place = _place(BOXES["inside"])
    target = _copy(frame)
    window = target.window(*place.rect)
    PatchBlender().draw(place, patch, 0.5, window, window)
    np.testing.assert_array_equal(target.y, _moving(frame, patch, BOXES["inside"], 0.5).y)


def test_read_only_pixels_are_drawn_and_left_alone(frame, patch):
    packed = np.concatenate([plane.reshape(-1) for plane in _three(patch)])
    fixed = unpack(np.frombuffer(packed.tobytes(), np.uint8), *PATCH[2:])
    background = frame.y.copy()
    made = _still(frame, fixed, BOXES["inside"], 1.0)
    np.testing.assert_array_equal(made.y, _still(frame, patch, BOXES["inside"], 1.0).y)
    np.testing.assert_array_equal(frame.y, background)


def test_a_mask_that_hides_everything_has_no_place():
    dark = np.zeros_like(soft_mask())
    assert place_patch(BOXES["inside"], dark, None, PATCH, (WIDTH, HEIGHT)) is None
