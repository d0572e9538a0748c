import dataclasses
import json
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from avatars.errors import BundleInvalid
from avatars.musetalk import MuseTalkPart, validate
from avatars.musetalk_file import MAX_FRAMES, load_musetalk, read_fingerprint, save_musetalk
from tests.support.musetalk_part import small_part

SIZE = (128, 96)
ABOUT = {"format": 1, "fingerprint": small_part().fingerprint, "mask_mode": "jaw"}
quick = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "musetalk.safetensors"
    save_musetalk(path, small_part(2), *SIZE)
    return path


def _load(path, frames=2):
    return load_musetalk(path, *SIZE, frames)


def _arrays(part):
    return {name: getattr(part, name) for name in ("latents", "boxes", "masks", "patch_rect")}


def test_round_trip_loses_nothing(file):
    before, after = small_part(2), _load(file)
    for field in dataclasses.fields(MuseTalkPart):
        np.testing.assert_array_equal(getattr(after, field.name), getattr(before, field.name))
    for name, array in _arrays(after).items():
        assert array.dtype == getattr(before, name).dtype
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert read_fingerprint(file) == before.fingerprint


def test_equal_parts_give_equal_files(file, tmp_path):
    for name in ("again", "once-more"):
        save_musetalk(tmp_path / name, small_part(2), *SIZE)
        assert (tmp_path / name).read_bytes() == file.read_bytes()


def test_the_largest_part_fits_into_a_bundle():
    assert 8000 < MAX_FRAMES < 8500


@pytest.mark.parametrize(
    "changes",
    [{"fingerprint": "made by me"}, {"mask_mode": "all"}, {"patch_rect": np.array([1, 2, 3, 4], np.int32)}],
)
def test_an_invalid_part_is_not_written(tmp_path, changes):
    with pytest.raises(BundleInvalid):
        save_musetalk(tmp_path / "part", small_part(**changes), *SIZE)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_the_old_file(file, monkeypatch):
    before = file.read_bytes()

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        save_musetalk(file, small_part(2, seed=8), *SIZE)
    assert file.read_bytes() == before and [file] == list(file.parent.iterdir())


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        _load(tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda a: a | {"latents": a["latents"].astype(np.float32)}, "latents holds F32"),
        (lambda a: a | {"masks": a["masks"].astype(np.int8)}, "masks holds I8"),
        (lambda a: a | {"boxes": a["boxes"][:1]}, "boxes has the shape"),
        (lambda a: a | {"patch_rect": a["patch_rect"].reshape(2, 2)}, "patch_rect has the shape"),
        (lambda a: a | {"extra": np.zeros(1)}, "list of arrays"),
        (lambda a: {n: v for n, v in a.items() if n != "masks"}, "list of arrays"),
        (lambda a: a | {"latents": a["latents"] * np.float16("nan")}, "latents are out of range"),
    ],
)
def test_other_arrays_are_refused(file, change, complaint):
    file.write_bytes(save(change(_arrays(small_part(2))), {"lipstream": json.dumps(ABOUT)}))
    with pytest.raises(BundleInvalid, match=complaint):
        _load(file)


@pytest.mark.parametrize(
    "about",
    [
        None, [], "x", {}, ABOUT | {"format": 2}, ABOUT | {"fingerprint": "x"}, ABOUT | {"fingerprint": 5},
        ABOUT | {"mask_mode": ["jaw"]}, ABOUT | {"mask_mode": None},
    ],
)  # fmt: skip
def test_other_metadata_is_refused(file, about):
    file.write_bytes(save(_arrays(small_part(2)), {"lipstream": json.dumps(about)}))
    for read in (_load, read_fingerprint):
        with pytest.raises(BundleInvalid):
            read(file)


def test_metadata_that_nests_too_deep_is_refused(file):
    file.write_bytes(save(_arrays(small_part(2)), {"lipstream": "[" * 3000}))
    with pytest.raises(BundleInvalid):
        _load(file)


def test_a_file_of_another_frame_count_is_refused_before_it_is_read(file):
    with pytest.raises(BundleInvalid, match="shape"):
        _load(file, 3)


@pytest.mark.parametrize("claimed", [2**63, 100 << 20, 5000])
def test_a_header_that_claims_too_much_is_refused(file, claimed):
    data = file.read_bytes()
    file.write_bytes(struct.pack("<Q", claimed) + data[8:])
    with pytest.raises(BundleInvalid, match="header"):
        _load(file)


def test_a_huge_file_is_refused_unread(file):
    with file.open("r+b") as opened:
        opened.truncate(300 << 20)
    with pytest.raises(BundleInvalid, match="larger"):
        _load(file)


@quick
@example(data=b"")
@example(data=b"{" * 8)
@given(data=st.binary(max_size=300))
def test_noise_is_refused(tmp_path, data):
    (tmp_path / "noise").write_bytes(data)
    with pytest.raises(BundleInvalid):
        _load(tmp_path / "noise")


@quick
@given(
    header=st.binary(max_size=200)
    | st.text(alphabet='{}[]":,0123456789eF latmsk_', max_size=200).map(str.encode)
)
def test_a_strange_header_is_refused(tmp_path, header):
    (tmp_path / "strange").write_bytes(struct.pack("<Q", len(header)) + header + bytes(64))
    with pytest.raises(BundleInvalid):
        _load(tmp_path / "strange")


@quick
@given(place=st.integers(0, 700), value=st.integers(0, 255), cut=st.integers(0, 40) | st.just(0))
def test_a_damaged_header_gives_a_whole_part_or_a_clear_error(tmp_path, place, value, cut):
    path = tmp_path / "part"
    save_musetalk(path, small_part(), *SIZE)
    data = bytearray(path.read_bytes())
    data[place] = value
    path.write_bytes(data[: len(data) - cut])
    try:
        part = _load(path, 1)
    except BundleInvalid:
        return
    validate(part, *SIZE, 1)


@quick
@given(data=st.data())
def test_damaged_contents_give_a_usable_part_or_a_clear_error(tmp_path, data):
    path = tmp_path / "part"
    save_musetalk(path, small_part(), *SIZE)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        raw[-data.draw(st.integers(1, len(raw) - 8))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    try:
        part = _load(path, 1)
    except BundleInvalid:
        return
    validate(part, *SIZE, 1)
