import os
import stat
from pathlib import Path

import pytest

from server.jobs.folders import JobFolders


@pytest.fixture
def folders(tmp_path: Path) -> JobFolders:
    return JobFolders(tmp_path / "jobs")


def test_only_their_owner_sees_jobs_and_their_key(folders: JobFolders):
    folders.token("r_00000000")
    assert stat.S_IMODE(folders.root.stat().st_mode) == 0o700
    assert stat.S_IMODE((folders.root / "key").stat().st_mode) == 0o600


def test_tokens_are_the_same_in_every_process_and_different_for_every_job(folders: JobFolders):
    token = folders.token("j_00000000")
    assert JobFolders(folders.root).token("j_00000000") == token
    assert folders.token("j_00000001") != token
    assert len(token) == 48
    assert JobFolders(folders.root.with_name("other")).token("j_00000000") != token


def test_what_was_sent_is_taken_in_once(folders: JobFolders):
    incoming = folders.incoming("abcd") / "j_00000000"
    incoming.mkdir(parents=True)
    (incoming / "source").write_bytes(b"photo")
    assert not folders.take_in("j_00000001", "abcd")
    assert folders.take_in("j_00000000", "abcd")
    assert folders.take_in("j_00000000", "abcd"), "it is where it belongs"
    assert (folders.of("j_00000000") / "source").read_bytes() == b"photo"


def test_of_an_ended_job_only_pictures_and_the_film_stay(folders: JobFolders):
    folder = folders.of("j_00000000")
    for name in ("previews", "parts", "records"):
        (folder / name).mkdir(parents=True)
    for name in ("source", ".lock", "video.webm", ".video.mp4.part", "face.npz"):
        (folder / name).write_bytes(b"x")
    assert folders.untidy("j_00000000")
    folders.tidy("j_00000000")
    assert not folders.untidy("j_00000000")
    assert sorted(path.name for path in folder.iterdir()) == ["previews", "video.webm"]
    folders.tidy("j_11111111")


def test_beginnings_are_counted(folders: JobFolders):
    folders.of("j_00000000").mkdir(parents=True)
    assert not folders.was_begun("j_00000000", "face")
    assert [folders.count_beginning("j_00000000", "face") for _ in range(3)] == [1, 2, 3]
    assert folders.count_beginning("j_00000000", "mouths") == 1
    assert folders.was_begun("j_00000000", "face")


def test_deleting_goes_on_where_a_killed_process_left_off(folders: JobFolders):
    for name in ("j_00000000", ".gone-j_00000000"):
        (folders.root / name / "previews").mkdir(parents=True)
    folders.discard("j_00000000")
    assert list(folders.root.iterdir()) == []
    folders.discard("j_00000000")


def names(folders: JobFolders) -> list[str]:
    return sorted(path.name for path in folders.root.iterdir())


def test_sweeping_leaves_what_is_somebodys(folders: JobFolders):
    for name in ("j_00000000", "j_11111111", ".new-mine", ".new-dead", ".gone-j_1", "something else"):
        (folders.root / name).mkdir(parents=True)
    (folders.root / "key").write_bytes(b"x")
    folders.sweep("mine", {"j_00000000"}, before=0.0)
    assert names(folders) == [".new-mine", "j_00000000", "key", "something else"]


def test_a_database_that_knows_nothing_may_be_the_wrong_one(folders: JobFolders):
    for name, time in (("j_00000000", 1_000), ("j_11111111", 3_000)):
        (folders.root / name).mkdir(parents=True)
        os.utime(folders.root / name, (time, time))
    folders.sweep("mine", set(), before=2_000.0)
    assert names(folders) == ["j_11111111"]
