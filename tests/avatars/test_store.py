import errno
import os

import pytest

from avatars.bundle import BundleWriter
from avatars.errors import AvatarExists, AvatarNotFound, AvatarReadOnly, AvatarUnwritable, BundleInvalid
from avatars.store import AvatarStore
from tests.support.bundles import details, small_bundle


@pytest.fixture
def store(tmp_path):
    small_bundle(tmp_path / "builtin", "mira")
    (tmp_path / "builtin" / "sources").mkdir()
    return AvatarStore(tmp_path / "own", tmp_path / "builtin")


def test_the_avatars_that_ship_with_the_program_are_whole(tmp_path):
    store = AvatarStore(tmp_path / "none")
    assert [(entry.id, entry.problem) for entry in store.list()] == [("mira", None), ("theo", None)]
    for avatar in ("mira", "theo"):
        bundle = store.get(avatar)
        atlas = bundle.atlas()
        assert bundle.builtin
        assert atlas.still.shape == (bundle.manifest.height, bundle.manifest.width, 3)
        assert len(atlas.lids) == len(atlas.gazes) == 4
        assert all(part.bytes < 5_000_000 for part in bundle.manifest.parts.values())
        assert {"poster.webp", "idle.mp4", "faces.npz"} <= set(bundle.manifest.parts)
        assert "CC0" in bundle.manifest.provenance.licence


def test_own_and_built_in_avatars_are_listed_together(store):
    small_bundle(store.root, "ada")
    assert [(e.id, e.builtin) for e in store.list()] == [("mira", True), ("ada", False)]
    assert store.get("ada").manifest.name == "Ada"
    assert store.get("mira").builtin
    assert store.manifest("ada").width == 128


def test_a_part_is_found_without_reading_the_others(store):
    bundle = small_bundle(store.root, "ada")
    name = next(iter(bundle.manifest.parts))
    path, part = store.part("ada", name)
    assert (path.parent, path.stat().st_size) == (store.root / "ada", part.bytes)
    with pytest.raises(BundleInvalid, match="musetalk"):
        store.part("ada", "musetalk.safetensors")
    with pytest.raises(AvatarNotFound):
        store.part("eve", name)


def test_a_damaged_avatar_is_listed_with_its_problem_and_does_no_harm(store):
    small_bundle(store.root, "ada")
    small_bundle(store.root, "bob")
    (store.root / "ada" / "avatar.json").write_text("{")
    (store.root / "empty").mkdir()
    os.rename(store.root / "bob", store.root / "eve")
    entries = {e.id: e for e in store.list()}
    assert set(entries) == {"mira", "ada", "empty", "eve"}
    assert entries["ada"].manifest is None and "avatar.json" in (entries["ada"].problem or "")
    assert "missing" in (entries["empty"].problem or "")
    assert "bob" in (entries["eve"].problem or "")
    with pytest.raises(BundleInvalid):
        store.get("eve")
    store.delete("ada")
    assert "ada" not in {e.id for e in store.list()}


@pytest.mark.parametrize(
    "name", ["..", "../own/ada", "", "ADA", "ada/", ".part-x", "a" * 65, "sources", "ada\n", "nil\0"]
)
def test_no_other_name_reaches_a_folder(store, name):
    small_bundle(store.root, "ada")
    for call in (store.get, store.delete, store.manifest):
        with pytest.raises(AvatarNotFound):
            call(name)
    assert (store.root / "ada").is_dir()


def test_a_linked_folder_is_no_avatar(store, tmp_path):
    small_bundle(tmp_path / "elsewhere", "ada")
    store.root.mkdir()
    os.symlink(tmp_path / "elsewhere" / "ada", store.root / "ada")
    assert [e.id for e in store.list()] == ["mira"]
    with pytest.raises(AvatarNotFound):
        store.delete("ada")


def test_built_in_avatars_stay(store):
    with pytest.raises(AvatarReadOnly):
        store.delete("mira")
    with pytest.raises(AvatarExists):
        store.writer("mira")
    assert store.get("mira").builtin


def test_a_writer_checks_the_id_first(store):
    with pytest.raises(BundleInvalid, match="cannot be"):
        store.writer("../ada")
    with store.writer("ada") as writer:
        writer.path("poster.webp").write_bytes(b"x")
        writer.commit(details(engines=()))
    with pytest.raises(AvatarExists):
        store.writer("ada")


def test_adding_copies_a_checked_bundle(store, tmp_path):
    source = small_bundle(tmp_path / "download", "ada")
    added = store.add(source.path)
    assert added.path == store.root / "ada"
    assert store.get("ada").manifest == source.manifest
    renamed = store.add(source.path, "ada-2")
    assert renamed.id == "ada-2"
    assert renamed.manifest.parts == source.manifest.parts


def test_adding_looks_into_the_atlas(store, tmp_path):
    source = small_bundle(tmp_path / "download", "ada")
    (source.path / "atlas.npz").write_bytes(b"no atlas, but with a correct digest")
    os.remove(source.path / "avatar.json")
    with pytest.raises(BundleInvalid):
        store.add(source.path)

    with BundleWriter(tmp_path / "forged") as writer:
        writer.path("atlas.npz").write_bytes(bytes(9))
        forged = writer.commit(details("eve"))
    with pytest.raises(BundleInvalid, match="atlas"):
        store.add(forged.path)
    assert not store.root.exists() or list(store.root.iterdir()) == []


def test_deleting_removes_everything(store):
    small_bundle(store.root, "ada")
    store.delete("ada")
    assert list(store.root.iterdir()) == []
    with pytest.raises(AvatarNotFound):
        store.get("ada")


def test_an_avatar_can_be_deleted_when_the_disk_is_full(store, monkeypatch):
    small_bundle(store.root, "ada")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "mkdir", full)
    store.delete("ada")
    assert list(store.root.iterdir()) == []


def test_an_avatar_whose_files_stay_is_not_told_to_be_deleted(store, monkeypatch):
    small_bundle(store.root, "ada")

    def refused(*_, **__):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "unlink", refused)
    with pytest.raises(AvatarUnwritable, match="not permitted"):
        store.delete("ada")
    assert not store.exists("ada")


def test_what_a_killed_process_left_is_removed_when_it_is_old(store):
    small_bundle(store.root, "ada")
    for name, written in ((".part-old", 1000), (".part-new", 3000)):
        (store.root / name).mkdir()
        (store.root / name / "atlas.npz").write_bytes(b"half")
        os.utime(store.root / name, (written, written))
    assert [e.id for e in store.list()] == ["mira", "ada"]
    assert store.remove_leftovers(before=2000) == 1
    assert sorted(p.name for p in store.root.iterdir()) == [".part-new", "ada"]
