import numpy as np
import pytest

from streaming.compositor.assets import load_assets
from streaming.compositor.easing import MouthPose
from streaming.compositor.mouth import MouthPainter, locate
from streaming.compositor.planes import pack, packed_size, unpack
from tests.support.atlas import APERTURES, MOUTH, WIDTHS, small_atlas

W, H = MOUTH[2:]


@pytest.fixture
def atlas():
    return small_atlas()


@pytest.fixture
def paint(atlas):
    painter = MouthPainter(load_assets(atlas))

    def painted(**pose):
        packed = np.zeros(packed_size(W, H), np.uint8)
        painter.paint(MouthPose(**pose), unpack(packed, W, H))
        return packed

    return painted


def _near(found, expected, levels=1):
    np.testing.assert_allclose(found.astype(int), np.asarray(expected, float), atol=levels + 0.5)


def test_locate():
    assert locate((0, 0.5, 1), 0.25) == (0, 0.5)
    assert locate((0, 0.5, 1), 1.0) == (1, 1.0)
    assert locate((0, 0.5, 1), -3) == (0, 0.0)
    assert locate((0, 0.5, 1), 3) == (1, 1.0)
    assert locate((0,), 0.7) == (0, 0.0)


def test_grid_points_are_the_pictures_themselves(atlas, paint):
    for a, aperture in enumerate(APERTURES):
        for j, width in enumerate(WIDTHS):
            np.testing.assert_array_equal(paint(aperture=aperture, width=width), pack(atlas.mouths[a, j]))


def test_between_grid_points_all_four_blend(atlas, paint):
    corners = [pack(atlas.mouths[a, j]).astype(float) for a, j in ((0, 1), (0, 2), (1, 1), (1, 2))]
    low, high = corners[0] * 0.75 + corners[1] * 0.25, corners[2] * 0.75 + corners[3] * 0.25
    _near(paint(aperture=0.2, width=0.25), low * 0.6 + high * 0.4, 2)


def test_press_goes_through_its_levels(atlas, paint):
    rest, half, full = (pack(p) for p in (atlas.mouths[0, 1], atlas.press[0, 0], atlas.press[1, 0]))
    np.testing.assert_array_equal(paint(press=1.0), full)
    np.testing.assert_array_equal(paint(press=0.5), half)
    _near(paint(press=0.25), (rest.astype(float) + half) / 2)
    _near(paint(press=0.75), (half.astype(float) + full) / 2)


def test_series_made_at_one_width_draw_the_mouth_there(atlas, paint):
    np.testing.assert_array_equal(paint(press=1.0, width=1.0), pack(atlas.press[1, 0]))
    _near(paint(press=0.25, width=1.0), (pack(atlas.press[0, 0]) + _at_width(atlas, 0.5)) / 2, 2)


def _at_width(atlas, width):
    return pack(atlas.mouths[0, 1]) * (1 - width) + pack(atlas.mouths[0, 2]).astype(float) * width


def test_bite_blends_across_widths(paint, atlas):
    np.testing.assert_array_equal(paint(bite=1.0, width=-1), pack(atlas.bite[0, 0]))
    _near(paint(bite=1.0, width=0.0), (pack(atlas.bite[0, 0]).astype(float) + pack(atlas.bite[0, 1])) / 2)


def test_tongue_is_drawn_whatever_the_aperture_was(paint, atlas):
    np.testing.assert_array_equal(paint(tongue=1.0, aperture=0.3, width=0.5), pack(atlas.tongue[1]))
    _near(paint(tongue=0.75, aperture=0.2), (pack(atlas.tongue[0]).astype(float) + pack(atlas.tongue[1])) / 2)


def test_everything_at_once_does_not_disturb_its_own_buffers(paint):
    pose = {"aperture": 0.2, "width": 0.3, "tongue": 0.3, "bite": 0.4, "press": 0.3}
    first = paint(**pose)
    paint(aperture=1.0, width=-1.0, tongue=0.6)
    np.testing.assert_array_equal(paint(**pose), first)


def test_an_avatar_without_tongue_ignores_it(atlas):
    empty = np.empty((0, H, W, 3), np.uint8)
    bare = load_assets(small_atlas(tongue_levels=np.empty(0, np.float32), tongue=empty))
    packed = np.zeros(packed_size(W, H), np.uint8)
    MouthPainter(bare).paint(MouthPose(aperture=0.5, tongue=1), unpack(packed, W, H))
    np.testing.assert_array_equal(packed, pack(atlas.mouths[1, 1]))
