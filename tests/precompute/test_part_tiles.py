from avatars.store import AvatarStore
from precompute.part_tiles import musetalk_tiles, part_sheet
from precompute.sheet import COLUMNS, TILE
from tests.support.bundles import small_bundle
from tests.support.musetalk_part import part_of


def test_a_sheet_shows_what_an_engine_draws(tmp_path):
    store = AvatarStore(tmp_path)
    small_bundle(store.root, "ada")
    assert part_sheet(store, "ada", "musetalk") is None and musetalk_tiles(store, store.get("ada")) == []
    store.put_musetalk("ada", part_of(store.get("ada")))
    sheet = part_sheet(store, "ada", "musetalk")
    assert sheet is not None and sheet.shape == (TILE, COLUMNS * TILE, 3)
    assert part_sheet(store, "ada", "another") is None
