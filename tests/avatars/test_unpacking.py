import hashlib
import io
import json
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatars import unpacking
from avatars.errors import AvatarError, AvatarExists, AvatarUnwritable, BundleInvalid
from avatars.manifest import MANIFEST_NAME, MEGABYTE
from avatars.store import AvatarStore
from avatars.unpacking import import_archive
from tests.support.whole_avatars import archive_of, members, whole_bundle, zip_of

END = 22


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = tmp_path_factory.mktemp("source")
    whole_bundle(root, "ada")
    return archive_of(AvatarStore(root, root / "none"))


@pytest.fixture
def store(tmp_path: Path) -> AvatarStore:
    return AvatarStore(tmp_path / "own", tmp_path / "builtin")


def take_in(store: AvatarStore, data: bytes, avatar: str | None = None):
    return import_archive(store, io.BytesIO(data), avatar)


def left(store: AvatarStore) -> list[str]:
    return sorted(os.listdir(store.root)) if store.root.exists() else []


def test_an_avatar_comes_in_as_it_went_out(store, sound):
    bundle = take_in(store, sound)
    assert bundle.id == "ada" and left(store) == ["ada"]
    assert store.get("ada").manifest == bundle.manifest
    assert archive_of(store) == sound
    with pytest.raises(AvatarExists):
        take_in(store, sound)
    assert take_in(store, sound, "eve").manifest.name == "Ada"
    assert left(store) == ["ada", "eve"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips_of_other_programs_are_taken_in_any_order(store, sound, method):
    take_in(store, zip_of(dict(reversed(members(sound).items())), method))
    assert archive_of(store) == sound


def test_a_taken_id_is_told_before_the_work(store, sound, monkeypatch):
    take_in(store, sound)
    monkeypatch.setattr(unpacking, "_unpack", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(AvatarExists):
        take_in(store, sound)
    with pytest.raises(BundleInvalid, match="cannot be an avatar's id"):
        take_in(store, sound, "../eve")


def renamed(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda data: zip_of({new if name == old else name: part for name, part in members(data).items()})


def plus(name: str, data: bytes = b"x") -> Callable[[bytes], bytes]:
    return lambda whole: zip_of(members(whole) | {name: data})


def told(**changes: object) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        parts = members(data)
        about = json.loads(parts[MANIFEST_NAME]) | changes
        return zip_of(parts | {MANIFEST_NAME: json.dumps(about).encode()})

    return change


def claimed(name: str, **changes: object) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        parts = members(data)
        about = json.loads(parts[MANIFEST_NAME])
        about["parts"][name] |= changes
        return zip_of(parts | {MANIFEST_NAME: json.dumps(about).encode()})

    return change


def without(name: str) -> Callable[[bytes], bytes]:
    return lambda data: zip_of({key: part for key, part in members(data).items() if key != name})


def with_nul(data: bytes) -> bytes:
    """A name that ends early for those who take it as a C string."""
    return renamed("poster.webp", "poster.webp#.pkl")(data).replace(b"webp#.pkl", b"webp\0.pkl")


def doubled(data: bytes) -> bytes:
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("poster.webp", b"another")
    return file.getvalue()


def linked(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in members(data).items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, (0o120777 if name == "idle.mp4" else 0o100644) << 16
            archive.writestr(info, b"/etc/passwd" if name == "idle.mp4" else part)
    return file.getvalue()


def directory_of(data: bytes) -> int:
    return struct.unpack_from("<L", data, len(data) - END + 16)[0]


def flagged(data: bytes) -> bytes:
    place = directory_of(data) + 8
    return data[:place] + b"\x01" + data[place + 1 :]


def in_method(number: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        place = directory_of(data) + 10
        return data[:place] + struct.pack("<H", number) + data[place + 2 :]

    return change


def with_zip64(data: bytes) -> bytes:
    end = data[-END:]
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 4, 4, 10**9, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(data) - END, 1)
    size, start = struct.unpack_from("<2L", end, 12)
    grown = end[:12] + struct.pack("<2L", size + len(record) + len(locator), start) + end[20:]
    return data[:-END] + record + locator + grown


def many(data: bytes) -> bytes:
    return zip_of({f"{n}.txt": b"" for n in range(40_000)})


def huge_directory(data: bytes) -> bytes:
    """The end tells of few files, the directory holds many."""
    whole = many(data)
    return whole[:-END] + struct.pack("<4s4H", b"PK\x05\x06", 0, 0, 4, 4) + whole[-END + 12 :]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: b"", "no zip"),
        (lambda data: b"GIF89a" * 10, "no zip"),
        (lambda data: data[:-1], "did not come whole"),
        (lambda data: data[: len(data) // 2], "did not come whole"),
        (lambda data: data + b"x", "behind its end"),
        (lambda data: b"#!/bin/sh\n" + data, "before its beginning"),
        (with_zip64, "unusual kind"),
        (many, "more files than an avatar has"),
        (huge_directory, "more files than an avatar has"),
        (renamed("poster.webp", "../poster.webp"), "not a part"),
        (renamed("poster.webp", "/poster.webp"), "not a part"),
        (renamed("poster.webp", "ada/poster.webp"), "not a part"),
        (renamed("poster.webp", "poster.webp\\"), "not a part"),
        (renamed("poster.webp", "POSTER.WEBP"), "not a part"),
        (renamed(MANIFEST_NAME, "avatar.json "), "not a part"),
        (with_nul, "not a part"),
        (plus("ada/"), "not a part"),
        (plus("run.pkl"), "not a part"),
        (plus("alpha.png"), "alpha.png is missing, or"),
        (doubled, "twice"),
        (linked, "not a plain file"),
        (flagged, "encrypted"),
        (in_method(12), "unusual way"),
        (in_method(14), "unusual way"),
        (without(MANIFEST_NAME), "no avatar.json"),
        (without("idle.mp4"), "idle.mp4 is missing"),
        (plus(MANIFEST_NAME, b"[" * 1000), "not valid"),
        (plus(MANIFEST_NAME, b" " * 70_000), "larger than 64 kB"),
        (told(schema_version=2), "schema_version"),
        (told(id="../ada"), "id"),
        (told(id=".part-ada"), "id"),
        (told(parts={}), "does not tell of it"),
        (told(name="Ada\x1b[2J"), "control characters"),
        (told(provenance={"author": "Jane\x00"}), "control characters"),
        (told(background="transparent"), "nothing tells where"),
        (told(background="video"), "nothing tells where"),
        (claimed("idle.mp4", sha256="0" * 64), "idle.mp4 is not what"),
        (claimed("idle.mp4", bytes=5), "does not have the size"),
        (claimed("idle.mp4", bytes=40 * MEGABYTE), "larger than 32 MB"),
    ],
)
def test_what_is_not_an_avatar_is_refused_and_leaves_nothing(store, sound, change, says):
    with pytest.raises(BundleInvalid, match=says) as refused:
        take_in(store, change(sound))
    assert "avatar.json" in refused.value.message or "lipstream avatar export" in refused.value.message
    assert left(store) == []


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("poster.webp", b"<html>" * 9, "not of the kind"),
        ("idle.mp4", b"#EXTM3U\nfile:///etc/passwd\n", "not of the kind"),
        ("backdrop.mp4", b"#EXTM3U\nfile:///etc/passwd\n", "not of the kind"),
        ("steps.webp", b"<html>" * 9, "not of the kind"),
        ("report.json", b"<html>", "not of the kind"),
        ("atlas.npz", b"PK\x03\x04nothing", "mouth atlas"),
    ],
)
def test_a_part_that_agrees_with_its_sum_is_looked_into_all_the_same(
    store, sound, tmp_path, name, data, says
):
    parts = members(sound) | {name: data}
    about = json.loads(parts[MANIFEST_NAME])
    about["parts"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    with pytest.raises(BundleInvalid, match=says):
        take_in(store, zip_of(parts | {MANIFEST_NAME: json.dumps(about).encode()}))
    assert left(store) == []


def test_a_bomb_stops_at_what_the_part_may_be(store, sound):
    parts = members(sound)
    bomb = bytes(parts["idle.mp4"]) + bytes(200 * MEGABYTE)
    data = bytearray(zip_of(parts | {"idle.mp4": bomb}, zipfile.ZIP_DEFLATED))
    del bomb
    assert len(data) < MEGABYTE
    with pytest.raises(BundleInvalid, match="does not have the size"):
        take_in(store, bytes(data))
    # The directory lies about what comes out.
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo("idle.mp4")
    true, false = (struct.pack("<L", size) for size in (info.file_size, len(parts["idle.mp4"])))
    assert data.count(true) == 2
    lie = bytes(data).replace(true, false)
    tracemalloc.start()
    with pytest.raises(BundleInvalid):
        take_in(store, lie)
    assert tracemalloc.get_traced_memory()[1] < 20 * MEGABYTE
    tracemalloc.stop()
    assert left(store) == []


def test_too_large_a_file_is_not_read(store, tmp_path):
    path = tmp_path / "large"
    with path.open("w+b") as file:
        file.truncate(unpacking.MAX_ARCHIVE_BYTES + 1)
        with pytest.raises(BundleInvalid, match="larger than"):
            import_archive(store, file)


def test_a_full_disk_is_told_and_leaves_nothing(store, sound, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("avatars.store.shutil.copyfile", full)
    with pytest.raises(AvatarUnwritable, match="No space left"):
        take_in(store, sound)
    assert left(store) == []


def test_what_a_killed_process_leaves_is_found_later(store, sound, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("avatars.unpacking._unpack", killed)
        patch.setattr("avatars.unpacking.shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(Killed):
            take_in(store, sound)
    assert [name.startswith(".part-") for name in left(store)] == [True]
    assert store.list() == [] and store.remove_leftovers(2e12) == 1


_edit = st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(_edit, min_size=1, max_size=6),
    near_end=st.booleans(),
    cut=st.one_of(st.none(), st.floats(0, 1)),
    method=st.sampled_from([None, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_mangled_files_are_refused_or_whole(store, sound, edits, near_end, cut, method):
    data = bytearray(sound if method is None else zip_of(members(sound), method))
    first = max(0, len(data) - 400) if near_end else 0
    for place, change in edits:
        at = first + int(place * (len(data) - first))
        data[at : at + len(change)] = change
    if cut is not None:
        data = data[: int(cut * len(data))]
    try:
        take_in(store, bytes(data))
    except AvatarError as error:
        assert isinstance(error, BundleInvalid) and error.message
        assert left(store) == []
    else:
        # What was changed means nothing: a date, an attribute, or what was there.
        parts = members(archive_of(store))
        assert {k: v for k, v in parts.items() if k != MANIFEST_NAME} == {
            k: v for k, v in members(sound).items() if k != MANIFEST_NAME
        }
        store.delete("ada")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        st.one_of(
            st.sampled_from(["poster.webp", "idle.mp4", MANIFEST_NAME, "../a", "/a", "C:\\a", "a/b", "."]),
            st.text(
                st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
            ),
        ),
        max_size=12,
        unique=True,
    ),
    content=st.binary(max_size=200),
)
def test_whatever_else_a_zip_holds_is_refused(store, names, content):
    with pytest.raises(BundleInvalid):
        take_in(store, zip_of({name: content for name in names}))
    assert left(store) == []


def test_of_several_that_come_at_once_one_gets_the_id(store, sound):
    def attempt(_: int) -> str:
        try:
            return take_in(store, sound).id
        except AvatarExists:
            return "taken"

    with ThreadPoolExecutor(4) as pool:
        ended = sorted(pool.map(attempt, range(8)))
    assert ended == ["ada"] + ["taken"] * 7
    assert left(store) == ["ada"] and archive_of(store) == sound
