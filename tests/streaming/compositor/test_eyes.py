import numpy as np
import pytest

from streaming.compositor.assets import load_assets
from streaming.compositor.eyes import EyePainter
from streaming.compositor.planes import pack, packed_size, unpack
from tests.support.atlas import EYES, small_atlas

W, H = EYES[2:]


@pytest.mark.parametrize(("closure", "lid"), [(0, 0), (0.3, 1), (0.36, 1), (0.7, 2), (1, 3), (0.1, 0)])
@pytest.mark.parametrize("gaze", [0, 1])
def test_the_nearest_lid_and_the_gaze_are_drawn(closure, lid, gaze):
    atlas = small_atlas()
    packed = np.zeros(packed_size(W, H), np.uint8)
    EyePainter(load_assets(atlas)).paint(closure, gaze, unpack(packed, W, H))
    np.testing.assert_array_equal(packed, pack(atlas.eyes[lid, gaze]))


def test_eyes_change_with_every_call_that_asks_for_others():
    atlas = small_atlas()
    painter = EyePainter(load_assets(atlas))
    packed = np.zeros(packed_size(W, H), np.uint8)
    target = unpack(packed, W, H)
    for closure, lid in ((0, 0), (1, 3), (1, 3), (0, 0)):
        painter.paint(closure, 0, target)
        np.testing.assert_array_equal(packed, pack(atlas.eyes[lid, 0]))


def test_a_saccade_has_one_frame_in_between():
    atlas = small_atlas()
    painter = EyePainter(load_assets(atlas))
    packed = np.zeros(packed_size(W, H), np.uint8)
    target = unpack(packed, W, H)
    seen = []
    for gaze in (0, 1, 1, 1):
        painter.paint(0, gaze, target)
        seen.append(packed.astype(int))
    start, end = pack(atlas.eyes[0, 0]).astype(int), pack(atlas.eyes[0, 1]).astype(int)
    np.testing.assert_array_equal(seen[0], start)
    assert np.abs(2 * seen[1] - start - end).max() <= 1
    np.testing.assert_array_equal(seen[2], end)
    np.testing.assert_array_equal(seen[3], end)


def test_behind_a_moving_lid_the_gaze_changes_at_once():
    atlas = small_atlas()
    painter = EyePainter(load_assets(atlas))
    packed = np.zeros(packed_size(W, H), np.uint8)
    target = unpack(packed, W, H)
    painter.paint(0, 0, target)
    painter.paint(1, 1, target)
    np.testing.assert_array_equal(packed, pack(atlas.eyes[3, 1]))
