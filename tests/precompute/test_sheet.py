from precompute.sheet import COLUMNS, TILE, contact_sheet


def test_sheet_shows_different_mouths_and_eyes(smiling_atlas):
    sheet = contact_sheet(smiling_atlas)
    assert sheet.shape == (5 * TILE, COLUMNS * TILE, 3)
    tiles = {
        sheet[r * TILE : (r + 1) * TILE, c * TILE : (c + 1) * TILE].tobytes()
        for r in range(4)
        for c in range(4)
    }
    assert len(tiles) == 16
