import numpy as np

from precompute.musetalk.sheet import part_tiles
from precompute.sheet import TILE, tiled
from tests.support.musetalk_part import small_part


def test_tiles_show_box_patch_and_mask():
    picture = np.full((96, 128, 3), 128, np.uint8)
    part = small_part(2)
    tiles = part_tiles(picture, part, 1)
    assert len(tiles) == 4 and {tile.shape for tile in tiles} == {(TILE, TILE, 3)}
    whole, crop, mask, drawn = tiles
    assert (whole == (80, 220, 80)).all(axis=2).sum() > 200
    x, y, w, h = part.patch_rect * TILE // 256
    rim = np.asarray(crop[y + 1, x + 4 : x + w - 4], int) - 128
    assert np.abs(rim).max() > 40 and np.abs(crop[y + h // 2, x + w // 2].astype(int) - 128).max() <= 1
    assert mask[y + h // 2, x + w // 2, 0] > 200 and mask[-10, 10, 0] == 0
    assert drawn[y + h // 2, x + w // 2].tolist() != [128] * 3
    assert (picture == 128).all()
    assert tiled(tiles * 2).shape == (2 * TILE, 4 * TILE, 3)
    assert tiled(tiles[:1]).shape == (TILE, 4 * TILE, 3)
