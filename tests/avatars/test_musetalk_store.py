import os
from typing import Any

import numpy as np
import pytest

from avatars import musetalk
from avatars.bundle import BundleWriter
from avatars.errors import AvatarNotFound, AvatarNotReady, AvatarUnwritable, BundleInvalid
from avatars.musetalk_store import PARTS_FOLDER
from avatars.store import AvatarStore
from tests.support.bundles import details, small_bundle
from tests.support.musetalk_part import part_of

NAME = "musetalk.safetensors"


@pytest.fixture
def store(tmp_path):
    small_bundle(tmp_path / "builtin", "mira")
    small_bundle(tmp_path / "own", "ada")
    return AvatarStore(tmp_path / "own", tmp_path / "builtin")


def _engines(store):
    return {entry.id: entry.engines for entry in store.list()}


@pytest.mark.parametrize("avatar", ["mira", "ada"])
def test_a_part_is_missed_then_made_then_found(store, avatar):
    with pytest.raises(AvatarNotReady, match=f"no part.*lipstream avatar rebuild {avatar}"):
        store.musetalk(avatar)
    assert store.find_musetalk(avatar) is None
    part = part_of(store.get(avatar))
    store.put_musetalk(avatar, part)
    found = store.musetalk(avatar)
    np.testing.assert_array_equal(found.latents, part.latents)
    assert found.fingerprint == part.fingerprint
    assert _engines(store)[avatar] == ("atlas", "musetalk")
    assert [entry.id for entry in store.list()] == ["mira", "ada"]

    store.put_musetalk(avatar, part_of(store.get(avatar), seed=9))
    assert (store.musetalk(avatar).latents != part.latents).any()


@pytest.mark.parametrize("avatar", ["mira", "ada"])
def test_the_fingerprint_is_told_without_reading_the_part(store, avatar, monkeypatch):
    assert store.musetalk_fingerprint(avatar) is None
    part = part_of(store.get(avatar))
    store.put_musetalk(avatar, part)
    assert store.musetalk_fingerprint(avatar) == part.fingerprint
    store.put_musetalk(avatar, part_of(store.get(avatar), method="another"))
    assert store.musetalk_fingerprint(avatar) not in (None, part.fingerprint)
    monkeypatch.setattr(musetalk, "PART_VERSION", 2)
    assert store.musetalk_fingerprint(avatar) is None
    with pytest.raises(AvatarNotFound):
        store.musetalk_fingerprint("nobody")


def test_a_users_part_lies_in_the_bundle_and_travels_with_it(store, tmp_path):
    store.put_musetalk("ada", part_of(store.get("ada")))
    manifest = store.get("ada").manifest
    assert manifest.engines == ("atlas", "musetalk") and NAME in manifest.parts
    found = store.find_musetalk("ada")
    assert found is not None and found.path == store.root / "ada" / NAME
    other = AvatarStore(tmp_path / "other", tmp_path / "builtin")
    other.add(store.root / "ada", "eve")
    np.testing.assert_array_equal(other.musetalk("eve").masks, store.musetalk("ada").masks)


def test_what_ships_with_the_program_is_not_touched(store):
    before = sorted(os.listdir(store.builtin_root / "mira"))
    store.put_musetalk("mira", part_of(store.get("mira")))
    assert sorted(os.listdir(store.builtin_root / "mira")) == before
    assert sorted(os.listdir(store.root)) == [PARTS_FOLDER, "ada"]
    assert store.get("mira").manifest.engines == ("atlas",)
    for name in (PARTS_FOLDER, f"{PARTS_FOLDER}/mira"):
        with pytest.raises(AvatarNotFound):
            store.get(name)


@pytest.mark.parametrize("avatar", ["mira", "ada"])
def test_an_outdated_part_is_not_used(store, avatar, monkeypatch):
    store.put_musetalk(avatar, part_of(store.get(avatar)))
    monkeypatch.setattr(musetalk, "PART_VERSION", 2)
    with pytest.raises(AvatarNotReady, match=f"outdated.*rebuild {avatar}"):
        store.musetalk(avatar)
    found = store.find_musetalk(avatar)
    assert found is not None and not found.current
    assert _engines(store)[avatar] == ("atlas",)


def test_other_pictures_outdate_the_part(store, tmp_path):
    store.put_musetalk("mira", part_of(store.get("mira")))
    os.rename(store.builtin_root / "mira", tmp_path / "away")
    small_bundle(store.builtin_root, "mira", lids=np.array([0, 0.3, 0.7, 1], np.float32))
    with pytest.raises(AvatarNotReady, match="outdated"):
        store.musetalk("mira")
    assert store.remove_leftovers(before=0) == 1
    assert store.find_musetalk("mira") is None


def test_only_outdated_and_orphaned_parts_are_removed(store):
    store.put_musetalk("mira", part_of(store.get("mira")))
    orphan = store.root / PARTS_FOLDER / "gone"
    orphan.mkdir()
    (orphan / NAME).write_bytes((store.root / PARTS_FOLDER / "mira" / NAME).read_bytes())
    (store.root / PARTS_FOLDER / "just-begun").mkdir()
    assert store.remove_leftovers(before=0) == 1
    assert not orphan.exists()
    assert store.musetalk("mira").frames == 1


@pytest.mark.parametrize("damage", [b"", b"junk" * 10])
def test_a_damaged_part_of_a_built_in_avatar_can_be_made_anew(store, damage):
    part = part_of(store.get("mira"))
    store.put_musetalk("mira", part)
    (store.root / PARTS_FOLDER / "mira" / NAME).write_bytes(damage)
    with pytest.raises(AvatarNotReady, match="rebuild mira"):
        store.musetalk("mira")
    with pytest.raises(BundleInvalid):
        store.find_musetalk("mira")
    assert _engines(store)["mira"] == ("atlas",)
    store.put_musetalk("mira", part)
    assert store.musetalk("mira").frames == 1


def test_a_linked_part_is_none(store, tmp_path):
    store.put_musetalk("mira", part_of(store.get("mira")))
    place = store.root / PARTS_FOLDER / "mira" / NAME
    place.rename(tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", place)
    assert store.find_musetalk("mira") is None


@pytest.mark.parametrize("avatar", ["mira", "ada"])
def test_a_part_of_other_frames_is_refused(store, avatar):
    bundle = store.get(avatar)
    part = part_of(bundle)
    names = ("latents", "boxes", "masks")
    doubled: dict[str, Any] = {name: np.repeat(getattr(part, name), 2, 0) for name in names}
    with pytest.raises(BundleInvalid, match="frames"):
        store.put_musetalk(avatar, part_of(bundle, **doubled))
    assert store.find_musetalk(avatar) is None


def test_a_strangers_part_is_looked_into(store, tmp_path):
    with BundleWriter(tmp_path / "forged") as writer:
        writer.path(NAME).write_bytes(b"with a correct digest")
        writer.path("idle.mp4").write_bytes(b"a video")
        forged = writer.commit(details("eve", engines=("musetalk",), frames=40))
    with pytest.raises(BundleInvalid, match="MuseTalk"):
        store.add(forged.path)
    assert not store.exists("eve")


def test_a_folder_that_cannot_be_written_is_named(store):
    (store.root / PARTS_FOLDER).write_text("in the way")
    with pytest.raises(AvatarUnwritable, match="data folder"):
        store.put_musetalk("mira", part_of(store.get("mira")))
