import dataclasses

import numpy as np
import pytest

from streaming.compositor.assets import load_assets
from streaming.compositor.planes import pack, unpack
from tests.support.atlas import EYES, HEIGHT, MOUTH, WIDTH, small_atlas


def test_shapes_and_numbers_come_through():
    assets = load_assets(small_atlas())
    assert (assets.width, assets.height) == (WIDTH, HEIGHT)
    assert (assets.mouth_rect, assets.eye_rect) == (MOUTH, EYES)
    assert assets.mouths.shape == (3, 3, MOUTH[2] * MOUTH[3] * 3 // 2)
    assert assets.press.levels == (0.5, 1)
    assert assets.bite.widths == (-1, 1)
    assert assets.eye_span == 48


def test_nothing_shared_can_be_written():
    assets = load_assets(small_atlas())
    for field in dataclasses.fields(assets):
        value = getattr(assets, field.name)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[...] = 0


def test_where_the_rectangles_meet_the_eyes_win():
    atlas = small_atlas()
    eyes = np.array([32, 44, 64, 16], np.int32)
    rest = atlas.still[44:60, 32:96]
    pictures = np.broadcast_to(rest, (4, 2, *rest.shape)).copy()
    assets = load_assets(small_atlas(eye_rect=eyes, eyes=pictures))
    assert assets.mouth_rect == (40, 60, 48, 28)
    np.testing.assert_array_equal(assets.mouths[2, 0], pack(atlas.mouths[2, 0, 4:]))
    np.testing.assert_array_equal(
        unpack(assets.mouths[0, 1], 48, 28).y, unpack(assets.still, WIDTH, HEIGHT).y[60:88, 40:88]
    )
