import dataclasses
import io
import zipfile

import numpy as np
import pytest

from avatars.atlas_file import save_atlas
from avatars.bundle import open_bundle
from avatars.errors import BundleInvalid
from avatars.heads import validate
from avatars.heads_file import load_heads, save_heads
from avatars.musetalk import frames_of, source_part
from avatars.store import AvatarStore
from tests.support.atlas import small_atlas
from tests.support.bundles import details, small_bundle
from tests.support.heads import small_heads, talking_bundle

COUNT = 12


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "heads.npz"
    save_heads(path, small_heads(), small_atlas())
    return path


def _changed(name, place, value):
    array = getattr(small_heads(), name).copy()
    array[place] = value
    return {name: array}


def test_round_trip_loses_next_to_nothing(file):
    before, after = small_heads(), load_heads(file, small_atlas(), COUNT)
    for field in dataclasses.fields(before):
        expected, found = getattr(before, field.name), getattr(after, field.name)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=field.name)


def test_equal_heads_give_equal_files(file, tmp_path):
    save_heads(tmp_path / "again.npz", small_heads(), small_atlas())
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (_changed("centres", (3, 0), np.nan), "centres"),
        (_changed("centres", (3, 0), 1e6), "centres"),
        (_changed("maps", (3, 0, 3), np.inf), "maps"),
        (_changed("maps", (3, 0, 1), -1), "turn"),
        (_changed("maps", (3, 0, 1), 0), "turn"),
        (_changed("light", (0, 0, 0), 100), "light"),
        (_changed("light", (0, 2, 1), np.nan), "light"),
        (_changed("opened", 0, 1.5), "opened"),
        (_changed("lips", (0, 5), 1), "edge"),
        (_changed("moves", (0, 0, 2, 2, 0), 3), "moves"),
        (_changed("reference", 0, COUNT), "reference"),
        ({"moves": np.zeros((3, 2, 5, 7, 2), np.float32)}, "moves"),
        ({"moves": np.zeros((3, 3, 1, 7, 2), np.float32)}, "grid"),
        ({"press_moves": np.zeros((2, 1, 5, 5, 2), np.float32)}, "press_moves"),
        ({"lips": np.zeros((8, 8), np.uint8)}, "lips"),
    ],
)
def test_what_does_not_fit_is_named(changes, told):
    with pytest.raises(BundleInvalid, match=told):
        validate(small_heads(**changes), small_atlas(), COUNT)


def test_heads_of_another_loop_or_atlas_are_refused(file):
    with pytest.raises(BundleInvalid, match="shape"):
        load_heads(file, small_atlas(), COUNT + 1)
    eyeless = small_atlas().landmarks.copy()
    eyeless[33] = eyeless[263]
    with pytest.raises(BundleInvalid, match="eyes"):
        load_heads(file, small_atlas(landmarks=eyeless), COUNT)


def test_invalid_heads_are_not_written(tmp_path):
    with pytest.raises(BundleInvalid):
        save_heads(tmp_path / "a.npz", small_heads(**_changed("opened", 0, -1)), small_atlas())
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_and_other_kinds_of_files_are_refused(file):
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((32, 32, 100, 100, 2), np.float16))
    for changed, told in (({"moves.npy": buffer.getvalue()}, "moves"), ({"evil.npy": b""}, "list")):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in (members | changed).items():
                archive.writestr(name, data)
        with pytest.raises(BundleInvalid, match=told):
            load_heads(file, small_atlas(), COUNT)


def test_damaged_bytes_give_a_clear_error_or_something_that_fits(file):
    data, rng = file.read_bytes(), np.random.default_rng(1)
    for _ in range(100):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] = rng.integers(256)
        file.write_bytes(damaged)
        try:
            validate(load_heads(file, small_atlas(), COUNT), small_atlas(), COUNT)
        except BundleInvalid:
            pass


def test_an_atlas_with_moving_heads_is_a_video_s(tmp_path):
    photo, video = small_bundle(tmp_path / "a"), talking_bundle(tmp_path / "b")
    assert source_part(photo.manifest) == "atlas.npz" and frames_of(photo.manifest) == 1
    assert source_part(video.manifest) == "idle.mp4" and frames_of(video.manifest) == COUNT
    atlas, heads = video.heads()
    assert heads.frames == COUNT and atlas.still.shape == (96, 128, 3)
    with pytest.raises(BundleInvalid, match=r"no heads\.npz"):
        photo.heads()


def test_heads_without_a_loop_or_an_atlas_are_refused(tmp_path):
    store = AvatarStore(tmp_path)
    for name in ("atlas.npz", "idle.mp4"):
        with store.writer("tess") as writer:
            save_heads(writer.path("heads.npz"), small_heads(), small_atlas())
            if name == "idle.mp4":
                save_atlas(writer.path("atlas.npz"), small_atlas())
            else:
                writer.path("idle.mp4").write_bytes(b"a loop")
            with pytest.raises(BundleInvalid, match=name):
                writer.commit(details("tess", frames=COUNT, engines=()))


def test_the_store_takes_in_only_heads_that_fit(tmp_path):
    store = AvatarStore(tmp_path / "own")
    bundle = talking_bundle(tmp_path / "theirs")
    assert store.add(bundle.path).heads()[1].frames == COUNT
    assert [entry.engines for entry in store.list() if entry.id == "tess"] == [("atlas",)]
    wrong = talking_bundle(tmp_path / "others", "tom", width=64)
    with pytest.raises(BundleInvalid, match="size"):
        store.add(wrong.path)
    assert not store.exists("tom")
    assert open_bundle(bundle.path).manifest.engines == ("atlas",)
