import numpy as np
import pytest

from streaming.compositor.assets import load_assets
from streaming.compositor.eyes import EyePainter
from streaming.compositor.planes import pack, packed_size, unpack
from tests.support.atlas import EYES, small_atlas

W, H = EYES[2:]
GAZES = ((0, 0), (1, 0), (-1, 0), (0, 1))


def _atlas():
    """Every lid and gaze has a grey of its own."""
    eyes = np.array([[np.full((H, W, 3), 40 + 40 * lid + 8 * g) for g in range(4)] for lid in range(4)])
    eyes[0, 0] = small_atlas().eyes[0, 0]
    return small_atlas(eyes=eyes.astype(np.uint8), gazes=np.array(GAZES, np.float32))


class _Drawn:
    def __init__(self):
        self.atlas = _atlas()
        self.packed = np.zeros(packed_size(W, H), np.uint8)
        self._painter = EyePainter(load_assets(self.atlas))

    def paint(self, closure, gaze=(0.0, 0.0)):
        self._painter.paint(closure, gaze, unpack(self.packed, W, H))
        return self.packed.astype(int)

    def picture(self, lid, gaze=0):
        return pack(self.atlas.eyes[lid, gaze]).astype(int)


@pytest.mark.parametrize(
    ("closure", "lid"), [(0, 0), (0.36, 1), (0.72, 2), (1, 3), (0.04, 0), (0.34, 1), (1.2, 3)]
)
@pytest.mark.parametrize(("gaze", "number"), [((0, 0), 0), ((1, 0), 1), ((-1, 0.02), 2), ((0, 1), 3)])
def test_pictures_are_drawn_as_they_are(closure, lid, gaze, number):
    drawn = _Drawn()
    np.testing.assert_array_equal(drawn.paint(closure, gaze), drawn.picture(lid, number))


def test_between_two_lids_both_are_seen():
    drawn = _Drawn()
    middle = drawn.paint((0.36 + 0.72) / 2)
    assert np.abs(2 * middle - drawn.picture(1) - drawn.picture(2)).max() <= 2
    levels = [drawn.paint(0.36 + 0.36 * k / 20)[0] for k in range(21)]
    assert levels == sorted(levels) and len(set(levels)) > 5


def test_a_gaze_between_two_directions_shows_its_share_of_each():
    drawn = _Drawn()
    half = drawn.paint(0, (0.5, 0))
    assert np.abs(2 * half - drawn.picture(0) - drawn.picture(0, 1)).max() <= 2
    diagonal = drawn.paint(0.36, (-1, 1))
    assert np.abs(2 * diagonal - drawn.picture(1, 2) - drawn.picture(1, 3)).max() <= 2


def test_a_direction_without_a_picture_is_left_out():
    drawn = _Drawn()
    np.testing.assert_array_equal(drawn.paint(0, (1.0, -0.9)), drawn.picture(0, 1))
    np.testing.assert_array_equal(drawn.paint(0, (0.0, -1.0)), drawn.picture(0))
    alone = small_atlas(gazes=np.zeros((1, 2), np.float32), eyes=small_atlas().eyes[:, :1])
    packed = np.zeros(packed_size(W, H), np.uint8)
    EyePainter(load_assets(alone)).paint(0, (1.0, 1.0), unpack(packed, W, H))
    np.testing.assert_array_equal(packed, pack(alone.eyes[0, 0]))


def test_lowered_lids_hide_blends_of_directions():
    drawn = _Drawn()
    np.testing.assert_array_equal(drawn.paint(0.72, (0.7, 0)), drawn.picture(2, 1))
    np.testing.assert_array_equal(drawn.paint(0.72, (0.3, 0)), drawn.picture(2))


def test_eyes_do_not_depend_on_those_before():
    asked = [(0.0, (0.0, 0.0)), (0.5, (0.3, 0.4)), (0.5, (0.3, 0.4)), (1.0, (1.0, 0.0)), (0.1, (-0.4, 0.2))]
    one = _Drawn()
    path = [one.paint(*each) for each in asked]
    for each, expected in zip(asked, path, strict=True):
        np.testing.assert_array_equal(_Drawn().paint(*each), expected)


def test_equal_eyes_are_not_drawn_again():
    drawn = _Drawn()
    drawn.paint(0.5, (0.3, 0.0))
    drawn.packed[:] = 7
    assert (drawn.paint(0.5, (0.301, 0.0)) == 7).all()
    assert (drawn.paint(0.0, (0.3, 0.0)) != 7).any()
