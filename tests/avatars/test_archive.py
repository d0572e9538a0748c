import dataclasses
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from avatars.archive import NEEDED, export_avatar, write_archive
from avatars.bundle import MAX_MANIFEST_BYTES, parse_manifest
from avatars.errors import AvatarNotFound, AvatarUnwritable, BundleInvalid
from avatars.manifest import MANIFEST_NAME
from avatars.store import BUILTIN_ROOT, AvatarStore
from avatars.unpacking import import_archive
from tests.support.bundles import small_bundle
from tests.support.musetalk_part import part_of
from tests.support.whole_avatars import archive_of, members, whole_bundle


@pytest.fixture
def store(tmp_path: Path) -> AvatarStore:
    whole_bundle(tmp_path / "builtin", "mira")
    whole_bundle(tmp_path / "own", "ada")
    return AvatarStore(tmp_path / "own", tmp_path / "builtin")


def test_the_file_is_a_plain_zip_of_the_bundle_with_its_length_known(store):
    export = export_avatar(store, "ada")
    data = b"".join(export.chunks())
    assert len(data) == export.size and export.filename == "ada.lipstream"
    inside = members(data)
    assert list(inside) == [MANIFEST_NAME, "atlas.npz", "idle.mp4", "poster.webp"]
    for name, content in inside.items():
        assert content == (store.root / "ada" / name).read_bytes(), name


def test_equal_avatars_give_equal_bytes_wherever_and_whenever(store, tmp_path, monkeypatch):
    data = archive_of(store)
    for name in os.listdir(store.root / "ada"):
        os.utime(store.root / "ada" / name, (1e9, 1e9))
    assert archive_of(store) == data
    whole_bundle(tmp_path / "elsewhere", "ada")
    assert archive_of(AvatarStore(tmp_path / "elsewhere", tmp_path / "none")) == data
    whole_bundle(tmp_path / "other", "ada", name="Another")
    other = AvatarStore(tmp_path / "other", tmp_path / "none")
    assert archive_of(other) != data
    assert export_avatar(other, "ada").digest != export_avatar(store, "ada").digest


def test_what_the_order_of_building_was_does_not_show(store, tmp_path):
    part = part_of(store.get("ada"))
    store.put_musetalk("ada", part)
    whole_bundle(tmp_path / "there", "bob")
    there = AvatarStore(tmp_path / "there", tmp_path / "none")
    with (tmp_path / "a").open("w+b") as file:
        file.write(archive_of(store))
        import_archive(there, file)
    assert list(store.get("ada").manifest.parts) != list(there.get("ada").manifest.parts)
    assert archive_of(there) == archive_of(store)
    np.testing.assert_array_equal(there.musetalk("ada").latents, part.latents)


def test_a_part_beside_an_avatar_of_the_program_goes_along(store, tmp_path):
    assert "musetalk.safetensors" not in members(archive_of(store, "mira"))
    store.put_musetalk("mira", part_of(store.get("mira")))
    inside = members(archive_of(store, "mira"))
    manifest = parse_manifest(inside[MANIFEST_NAME], "mira")
    assert manifest.engines == ("atlas", "musetalk")
    digest = hashlib.sha256(inside["musetalk.safetensors"]).hexdigest()
    assert manifest.parts["musetalk.safetensors"].sha256 == digest
    (tmp_path / "m").write_bytes(archive_of(store, "mira"))
    with (tmp_path / "m").open("rb") as file:
        import_archive(store, file, "mia")
    assert store.musetalk("mia").fingerprint == store.musetalk("mira").fingerprint


@pytest.mark.parametrize("state", ["outdated", "damaged"])
def test_a_part_that_is_of_no_use_stays_here(store, state):
    part = part_of(store.get("mira"))
    if state == "outdated":
        part = dataclasses.replace(part, fingerprint="-".join(("1" * 64, "f" * 64)))
    store.put_musetalk("mira", part)
    if state == "damaged":
        (store.root / ".parts" / "mira" / "musetalk.safetensors").write_bytes(b"nothing")
    assert "musetalk.safetensors" not in members(archive_of(store, "mira"))


def test_avatars_of_the_program_can_be_handed_on(tmp_path):
    store = AvatarStore(tmp_path / "own")
    for avatar in ("mira", "theo"):
        data = archive_of(store, avatar)
        assert len(data) < (sum(f.stat().st_size for f in (BUILTIN_ROOT / avatar).iterdir()) + 2000)
        assert len(members(data)[MANIFEST_NAME]) < MAX_MANIFEST_BYTES


def test_other_programs_read_the_file(store, tmp_path):
    path = tmp_path / "ada.lipstream"
    write_archive(export_avatar(store, "ada"), path)
    command = (sys.executable, "-m", "zipfile", "-e", str(path), str(tmp_path / "out"))
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "out" / "atlas.npz").read_bytes() == (store.root / "ada" / "atlas.npz").read_bytes()
    assert zipfile.ZipFile(path).testzip() is None


def test_an_avatar_that_lacks_what_every_avatar_has_is_not_handed_on(store):
    small_bundle(store.root, "eve")
    with pytest.raises(BundleInvalid, match=f"no {NEEDED[1]}"):
        export_avatar(store, "eve")
    with pytest.raises(AvatarNotFound):
        export_avatar(store, "nobody")


def test_a_damaged_avatar_is_not_handed_on(store):
    path = store.root / "ada" / "poster.webp"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleInvalid, match=r"poster\.webp"):
        export_avatar(store, "ada")


def test_what_is_deleted_or_changed_meanwhile(store):
    export = export_avatar(store, "ada")
    chunks = export.chunks()
    first = next(chunks)
    store.delete("ada")
    assert len(first + b"".join(chunks)) == export.size, "what is open is read to its end"
    with pytest.raises(AvatarNotFound, match="deleted meanwhile"):
        next(export.chunks())

    whole_bundle(store.root, "ada")
    export = export_avatar(store, "ada")
    path = store.root / "ada" / "poster.webp"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleInvalid, match="changed meanwhile"):
        list(export.chunks())
    path.write_bytes(b"short")
    with pytest.raises(BundleInvalid, match="changed meanwhile"):
        list(export.chunks())


def test_a_file_is_written_whole_or_not_at_all(store, tmp_path):
    export = export_avatar(store, "ada")
    path = tmp_path / "ada.lipstream"
    path.write_bytes(b"an older one")
    (store.root / "ada" / "poster.webp").write_bytes(b"short")
    with pytest.raises(BundleInvalid):
        write_archive(export, path)
    assert path.read_bytes() == b"an older one"
    with pytest.raises(AvatarUnwritable, match="Choose another place"):
        write_archive(export, tmp_path / "none" / "ada.lipstream")
    assert sorted(os.listdir(tmp_path)) == ["ada.lipstream", "builtin", "own"]
