"""HEIC photos, with and without the extra that reads them."""

import numpy as np
import pytest

from precompute import heif, photo
from precompute.errors import AvatarRejected
from precompute.photo import open_photo
from tests.support.heic import heic
from tests.support.videos import quarters

pytest.importorskip("pi_heif")

PLACES = ((20, 20), (20, -20), (-20, 20), (-20, -20))


def rejected(data: bytes) -> AvatarRejected:
    with pytest.raises(AvatarRejected) as caught:
        open_photo(data)
    return caught.value


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_heic_comes_out_upright_in_its_colours(turned):
    picture, wanted = open_photo(heic(quarters(), turned)), np.rot90(quarters(), turned // 90)
    assert picture.shape == wanted.shape
    for place in PLACES:
        assert np.abs(picture[place].astype(int) - wanted[place]).max() < 12


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setattr(photo, "have_pillow_read_it", lambda: False)
    error = rejected(heic(quarters()))
    assert error.code == "heif_not_installed"
    assert 'pip install "lipstream[heif]"' in error.message and "JPEG" in error.message


def test_an_installation_without_it_is_noticed(monkeypatch):
    monkeypatch.setattr(heif.importlib.util, "find_spec", lambda name: None)
    assert not heif.have_pillow_read_it()


def test_cut_and_damaged_ones_are_only_ever_rejected():
    data, rng = heic(quarters()), np.random.default_rng(3)
    for share in (0.3, 0.9):
        assert rejected(data[: int(len(data) * share)]).code in ("truncated_image", "not_an_image")
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 6):
            damaged[place] = rng.integers(0, 256)
        try:
            assert open_photo(bytes(damaged)).ndim == 3
        except AvatarRejected as error:
            assert error.message


def test_a_header_that_claims_too_much_is_refused():
    assert rejected(heic(quarters(), claims=(30_000, 30_000))).code in ("image_too_large", "truncated_image")


def test_avif_and_videos_are_no_heic():
    assert not heif.is_heif(b"\0\0\0\x20ftypavif\0\0\0\0")
    assert not heif.is_heif(b"\0\0\0\x20ftypisom\0\0\0\0")
    assert heif.is_heif(b"\0\0\0\x18ftypheic\0\0\0\0") and not heif.is_heif(b"")
