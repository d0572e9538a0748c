import dataclasses
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from avatars.atlas_file import load_atlas, save_atlas
from avatars.errors import BundleInvalid
from tests.support.atlas import small_atlas


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "atlas.npz"
    save_atlas(path, small_atlas())
    return path


def _members(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _write(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _npy_header(shape, dtype="|u1"):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def test_round_trip_loses_nothing(file):
    before, after = small_atlas(), load_atlas(file)
    for field in dataclasses.fields(before):
        expected, found = getattr(before, field.name), getattr(after, field.name)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, err_msg=field.name)


def test_equal_atlases_give_equal_files(file, tmp_path):
    save_atlas(tmp_path / "again.npz", small_atlas())
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()


def test_an_invalid_atlas_is_not_written(tmp_path):
    with pytest.raises(BundleInvalid):
        save_atlas(tmp_path / "a.npz", small_atlas(lids=np.array([0, 1], np.float32)))
    assert list(tmp_path.iterdir()) == []


def test_pickled_objects_are_refused_unread(file):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    members = _members(file)
    header = _npy_header("(1,)", "|O")
    members["widths.npy"] = header + pickle.dumps(Trap())
    _write(file, members)
    with pytest.raises(BundleInvalid, match="widths"):
        load_atlas(file)


def test_a_header_that_claims_too_much_is_refused(file):
    members = _members(file)
    members["mouths.npy"] = _npy_header("(9000, 9000, 1920, 1920, 3)")
    _write(file, members)
    with pytest.raises(BundleInvalid, match="mouths"):
        load_atlas(file)


def test_a_header_within_limits_needs_the_bytes_it_claims(file):
    members = _members(file)
    members["still.npy"] = _npy_header("(1920, 1920, 3)") + bytes(100)
    _write(file, members)
    with pytest.raises(BundleInvalid, match="still"):
        load_atlas(file)


def test_a_zip_bomb_is_refused_by_its_directory(file):
    members = _members(file)
    members["mouths.npy"] = bytes(200 << 20)
    _write(file, members)
    assert file.stat().st_size < 1 << 20
    with pytest.raises(BundleInvalid, match="unpacks"):
        load_atlas(file)


@pytest.mark.parametrize(
    "array", [np.zeros(3), np.asfortranarray(np.zeros((3, 3), "f4")), np.array([1, 2], "i8")]
)
def test_other_types_are_refused(file, array):
    members = _members(file)
    members["widths.npy"] = _npy(array)
    _write(file, members)
    with pytest.raises(BundleInvalid, match="widths"):
        load_atlas(file)


@pytest.mark.parametrize("change", ["extra", "missing", "format", "rect"])
def test_another_set_of_fields_is_refused(file, change):
    members = _members(file)
    if change == "extra":
        members["../evil.npy"] = _npy(np.zeros(1, "f4"))
    elif change == "missing":
        del members["eyes.npy"]
    elif change == "format":
        members["format.npy"] = _npy(np.array([99], "<i4"))
    else:
        members["mouth_rect.npy"] = _npy(np.array([-8, 56, 48, 32], "<i4"))
    _write(file, members)
    with pytest.raises(BundleInvalid):
        load_atlas(file)


@pytest.mark.parametrize("cut", [0, 10, 500, -30])
def test_a_cut_file_is_refused(file, cut):
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(BundleInvalid):
        load_atlas(file)


def test_changed_bytes_give_the_same_atlas_or_a_clear_error(file):
    data = file.read_bytes()
    rng = np.random.default_rng(1)
    directory = data.index(b"PK\x01\x02")
    refused = 0
    for round_ in range(200):
        damaged = bytearray(data)
        start = directory if round_ % 2 else 0
        damaged[rng.integers(start, len(data))] = rng.integers(256)
        file.write_bytes(damaged)
        try:
            np.testing.assert_array_equal(load_atlas(file).mouths, small_atlas().mouths)
        except BundleInvalid:
            refused += 1
    assert refused > 100
