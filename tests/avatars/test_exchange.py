import errno

import pytest

from avatars import exchange as module
from avatars.exchange import exchange


@pytest.fixture
def folders(tmp_path):
    pair = tmp_path / "a", tmp_path / "b"
    for folder in pair:
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    return pair


def _names(folders):
    return [(folder / "name").read_text() for folder in folders]


def test_folders_change_places_or_stay(folders):
    done = exchange(*folders)
    assert _names(folders) == (["b", "a"] if done else ["a", "b"])


def test_a_folder_that_is_gone(folders, tmp_path):
    if module._swap() is None:
        pytest.skip("this system has no such step")
    with pytest.raises(FileNotFoundError):
        exchange(folders[0], tmp_path / "none")
    assert _names(folders) == ["a", "b"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
def test_where_the_file_system_cannot_nothing_happens(folders, monkeypatch, number):
    monkeypatch.setattr(module, "_swap", lambda: lambda *_: -1)
    monkeypatch.setattr("ctypes.get_errno", lambda: number)
    assert not exchange(*folders)


def test_a_refusal_is_an_error(folders, monkeypatch):
    monkeypatch.setattr(module, "_swap", lambda: lambda *_: -1)
    monkeypatch.setattr("ctypes.get_errno", lambda: errno.EACCES)
    with pytest.raises(PermissionError):
        exchange(*folders)
