import numpy as np
import pytest

from avatars.errors import BundleInvalid
from precompute.alpha import alpha_tiles, write_alpha
from precompute.sheet import TILE


def test_a_matte_is_shown_beside_the_person_alone(tmp_path):
    alpha = np.zeros((64, 64), np.uint8)
    alpha[:, 32:] = 255
    write_alpha(tmp_path / "alpha.png", alpha)
    matte, person = alpha_tiles(tmp_path / "alpha.png", np.full((64, 64, 3), 90, np.uint8))
    assert matte.shape == person.shape == (TILE, TILE, 3)
    assert matte[300, 50].max() == 0 and matte[300, 300].min() == 255
    assert person[300, 50].max() == 0 and person[300, 300].tolist() == [90, 90, 90]


def test_what_does_not_fit_or_is_damaged_is_told(tmp_path):
    write_alpha(tmp_path / "alpha.png", np.zeros((64, 64), np.uint8))
    with pytest.raises(BundleInvalid, match="does not fit"):
        alpha_tiles(tmp_path / "alpha.png", np.zeros((32, 32, 3), np.uint8))
    (tmp_path / "alpha.png").write_bytes(b"no picture")
    with pytest.raises(BundleInvalid, match="damaged"):
        alpha_tiles(tmp_path / "alpha.png", np.zeros((64, 64, 3), np.uint8))
