import json
import os

import pytest

from avatars import manifest as manifest_module
from avatars.bundle import BundleWriter, open_bundle, read_manifest
from avatars.errors import AvatarExists, BundleInvalid
from tests.support.bundles import details, small_bundle


def test_what_is_written_can_be_opened(tmp_path):
    written = small_bundle(tmp_path)
    opened = open_bundle(tmp_path / "ada")
    assert opened.manifest == written.manifest
    assert set(opened.manifest.parts) == {"atlas.npz", "poster.webp"}
    assert opened.part("poster.webp").read_bytes() == b"poster"
    assert opened.atlas().still.shape == (96, 128, 3)
    assert [p.name for p in tmp_path.iterdir()] == ["ada"]


def test_a_failed_writer_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="in between"), BundleWriter(tmp_path) as writer:
        writer.path("poster.webp").write_bytes(b"x")
        raise RuntimeError("in between")
    assert list(tmp_path.iterdir()) == []


def test_the_second_writer_of_an_id_loses_and_leaves_the_first_whole(tmp_path):
    with BundleWriter(tmp_path) as late:
        late.path("poster.webp").write_bytes(b"late")
        small_bundle(tmp_path)
        with pytest.raises(AvatarExists, match="ada"):
            late.commit(details(engines=()))
    assert open_bundle(tmp_path / "ada").part("poster.webp").read_bytes() == b"poster"
    assert [p.name for p in tmp_path.iterdir()] == ["ada"]


def test_an_engine_needs_its_part(tmp_path):
    with BundleWriter(tmp_path) as writer:
        writer.path("poster.webp").write_bytes(b"x")
        with pytest.raises(BundleInvalid, match=r"atlas\.npz"):
            writer.commit(details())


def test_strange_and_empty_parts_are_refused_on_writing(tmp_path):
    with BundleWriter(tmp_path) as writer:
        with pytest.raises(BundleInvalid, match="evil"):
            writer.path("evil.sh")  # pyright: ignore[reportArgumentType]
        writer.path("poster.webp").write_bytes(b"")
        with pytest.raises(BundleInvalid, match="empty"):
            writer.commit(details(engines=()))


def test_a_changed_part_is_found(tmp_path):
    folder = small_bundle(tmp_path).path
    (folder / "poster.webp").write_bytes(b"POSTER")
    read_manifest(folder)
    with pytest.raises(BundleInvalid, match="changed"):
        open_bundle(folder)


def test_a_part_of_another_size_or_none_is_found_without_reading_it(tmp_path):
    folder = small_bundle(tmp_path).path
    (folder / "poster.webp").write_bytes(b"longer than it was")
    with pytest.raises(BundleInvalid, match="bytes"):
        read_manifest(folder)
    (folder / "poster.webp").unlink()
    with pytest.raises(BundleInvalid, match="missing"):
        read_manifest(folder)


@pytest.mark.parametrize("name", ["poster.webp", "avatar.json"])
def test_links_out_of_the_folder_are_refused(tmp_path, name):
    folder = small_bundle(tmp_path).path
    secret = tmp_path / "secret"
    (folder / name).rename(secret)
    os.symlink(secret, folder / name)
    with pytest.raises(BundleInvalid, match="plain file"):
        open_bundle(folder)


def test_a_huge_part_is_refused(tmp_path, monkeypatch):
    folder = small_bundle(tmp_path).path
    monkeypatch.setitem(manifest_module.PART_LIMITS, "poster.webp", 3)
    with pytest.raises(BundleInvalid, match="larger"):
        open_bundle(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"id": "ada"}', "x" * 70_000])
def test_a_broken_manifest_is_named(tmp_path, text):
    folder = small_bundle(tmp_path).path
    (folder / "avatar.json").write_text(text)
    with pytest.raises(BundleInvalid, match=r"avatar\.json"):
        open_bundle(folder)


def test_a_manifest_cannot_point_elsewhere(tmp_path):
    folder = small_bundle(tmp_path).path
    content = json.loads((folder / "avatar.json").read_text())
    content["parts"]["../ada/poster.webp"] = content["parts"].pop("poster.webp")
    (folder / "avatar.json").write_text(json.dumps(content))
    with pytest.raises(BundleInvalid, match="parts"):
        open_bundle(folder)


def test_asking_for_a_part_that_is_not_there(tmp_path):
    with pytest.raises(BundleInvalid, match="musetalk"):
        small_bundle(tmp_path).part("musetalk.safetensors")


def test_an_avatar_deleted_while_in_use_says_so(tmp_path):
    bundle = small_bundle(tmp_path)
    (bundle.path / "atlas.npz").unlink()
    with pytest.raises(BundleInvalid, match="deleted"):
        bundle.atlas()
