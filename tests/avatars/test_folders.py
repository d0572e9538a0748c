import os
import re

import pytest

from avatars.folders import TEMPORARY_PREFIX, discard, folders_of, hide, is_folder, remove_leftovers

NAMES = re.compile("[a-z]+")


def a_folder(path):
    path.mkdir(parents=True)
    (path / "file").write_bytes(b"x")
    return path


def test_only_real_folders_with_such_names_are_listed(tmp_path):
    for name in ("bob", "ada", "UPPER", f"{TEMPORARY_PREFIX}x"):
        a_folder(tmp_path / name)
    (tmp_path / "plain").write_bytes(b"x")
    os.symlink(tmp_path / "ada", tmp_path / "linked")
    assert [folder.name for folder in folders_of(tmp_path, NAMES)] == ["ada", "bob"]
    assert not is_folder(tmp_path / "linked") and folders_of(tmp_path / "nowhere", NAMES) == []


def test_a_hidden_folder_is_whole_until_it_is_discarded(tmp_path):
    grave = hide(a_folder(tmp_path / "ada"))
    assert folders_of(tmp_path, NAMES) == [] and (grave / "file").read_bytes() == b"x"
    discard(grave)
    discard(grave)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        hide(tmp_path / "ada")


def test_leftovers_are_removed_when_they_are_old(tmp_path):
    for name, written in ((f"{TEMPORARY_PREFIX}old", 1000), (f"{TEMPORARY_PREFIX}new", 3000), ("ada", 1000)):
        os.utime(a_folder(tmp_path / name), (written, written))
    assert remove_leftovers(tmp_path, 2000) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{TEMPORARY_PREFIX}new", "ada"]
    assert remove_leftovers(tmp_path / "nowhere", 2000) == 0
