"""The part of an avatar, built with a VAE of the real class."""

import numpy as np
import pytest

from avatars.store import AvatarStore
from precompute.musetalk.builder import MuseTalkBuilder
from precompute.musetalk.crops import face_crop
from precompute.musetalk.vae_source import VaeSource
from streaming.errors import EngineUnavailable
from streaming.face.musetalk.options import MuseTalkOptions
from tests.support.musetalk_part import loop_bundle


def test_what_is_missing_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr("precompute.musetalk.vae_source.missing", lambda: ("torch", "diffusers"))
    source = VaeSource(MuseTalkOptions())
    for ask in (source.identity, source.open):
        with pytest.raises(EngineUnavailable, match=r"torch, diffusers: pip install"):
            ask()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    from tests.support.musetalk import write_folder

    return write_folder(tmp_path_factory.mktemp("weights"))


def test_a_folder_without_weights_is_named(weights, tmp_path):
    with pytest.raises(EngineUnavailable, match="sd-vae"):
        VaeSource(MuseTalkOptions(folder=str(tmp_path))).identity()


def test_avatars_get_their_latents_from_the_vae(weights, tmp_path, walk, known_face):
    store = AvatarStore(tmp_path / "own")
    loop_bundle(store.root, walk(3)[0])
    source = VaeSource(MuseTalkOptions(folder=str(weights), device="cpu"))
    builder = MuseTalkBuilder(source, finder=lambda: known_face)
    for avatar, frames in (("mira", 1), ("vera", 3)):
        assert builder.build(store, avatar)
        part = store.musetalk(avatar)
        assert part.frames == frames and part.latents.std() > 0.01
    part = store.musetalk("mira")
    crop = face_crop(store.get("mira").atlas().still, part.boxes[0])
    np.testing.assert_array_equal(part.latents[0], source.open().encode(crop[None])[0])
    assert not MuseTalkBuilder(VaeSource(MuseTalkOptions(folder=str(weights)))).build(store, "mira")


def test_other_weights_outdate_what_was_built(weights, tmp_path):
    from tests.support.musetalk import write_folder

    store = AvatarStore(tmp_path / "own")
    assert MuseTalkBuilder(VaeSource(MuseTalkOptions(folder=str(weights), device="cpu"))).build(store, "mira")
    other = write_folder(tmp_path / "other", seed=1)
    assert MuseTalkBuilder(VaeSource(MuseTalkOptions(folder=str(other), device="cpu"))).build(store, "mira")
