import errno
import io
import os
import stat
import wave
from pathlib import Path

import numpy as np
import pytest

from streaming.errors import VoiceNotFound
from streaming.speech.profiles.errors import (
    ProfileExists,
    ProfileInvalid,
    ProfilesFull,
    ProfilesUnwritable,
)
from streaming.speech.profiles.manifest import MANIFEST_NAME, REFERENCE_NAME
from streaming.speech.profiles.prompt import VoicePrompt
from streaming.speech.profiles.store import ProfileStore
from tests.support.profiles import details

PCM = (0.5 * np.sin(np.arange(72_000) / 20)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "profiles", limit=3)


def test_a_profile_is_kept_and_comes_back(store: ProfileStore):
    made = store.add("alan", details(), PCM)
    again = ProfileStore(store.root)
    assert again.get("alan") == made
    assert [entry.profile for entry in again.list()] == [made]
    np.testing.assert_allclose(again.reference_pcm("alan"), PCM, atol=1 / 32_000)
    with wave.open(io.BytesIO(again.reference("alan"))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert made.reference.seconds == file.getnframes() / 24_000 == 3.0
    assert sorted(path.name for path in (store.root / "alan").iterdir()) == [REFERENCE_NAME, MANIFEST_NAME]


def test_only_the_owner_of_the_files_can_read_them(store: ProfileStore):
    store.add("alan", details(), PCM)
    assert stat.S_IMODE((store.root / "alan").stat().st_mode) == 0o700


def test_a_taken_id_is_refused_and_changes_nothing(store: ProfileStore):
    made = store.add("alan", details(), PCM)
    with pytest.raises(ProfileExists):
        store.add("alan", details("Other"), PCM)
    assert store.get("alan") == made
    with pytest.raises(ProfileExists):
        store.require_free("heart", {"heart"})


@pytest.mark.parametrize("wrong", ["", "../alan", "/etc", "Alan", "a b", "-a", "a" * 65, "a\n"])
def test_ids_that_could_lead_elsewhere_are_refused(store: ProfileStore, wrong: str):
    with pytest.raises(ProfileInvalid):
        store.add(wrong, details(), PCM)
    for look in (store.get, store.reference, store.delete):
        with pytest.raises(VoiceNotFound):
            look(wrong)
    assert not store.exists(wrong)


def test_what_cannot_be_described_is_not_kept(store: ProfileStore):
    with pytest.raises(ProfileInvalid, match="consent"):
        store.add("alan", details(consent="ok"), PCM)
    assert store.list() == [] and not store.root.exists()


def test_there_are_as_many_as_may_be(store: ProfileStore):
    for number in range(3):
        store.add(f"v{number}", details(), PCM)
    with pytest.raises(ProfilesFull, match="3 voices of 3"):
        store.add("v3", details(), PCM)
    store.delete("v0")
    store.add("v3", details(), PCM)


def test_a_deleted_profile_is_gone_with_all_its_files(store: ProfileStore):
    store.add("alan", details(), PCM)
    store.delete("alan")
    assert list(store.root.iterdir()) == []
    with pytest.raises(VoiceNotFound):
        store.delete("alan")


def test_who_cannot_write_is_told_and_nothing_is_left(store: ProfileStore, monkeypatch: pytest.MonkeyPatch):
    store.root.parent.joinpath("file").touch()
    with pytest.raises(ProfilesUnwritable, match="Not a directory"):
        ProfileStore(store.root.parent / "file" / "profiles").add("alan", details(), PCM)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProfilesUnwritable, match="No space left"):
        store.add("alan", details(), PCM)
    assert list(store.root.iterdir()) == []


def test_a_profile_can_be_deleted_when_the_disk_is_full(store: ProfileStore, monkeypatch: pytest.MonkeyPatch):
    store.add("alan", details(), PCM)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "mkdir", full)
    store.delete("alan")
    assert list(store.root.iterdir()) == []


def test_a_recording_that_stays_is_not_told_to_be_deleted(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
):
    store.add("alan", details(), PCM)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "unlink", refused)
    with pytest.raises(ProfilesUnwritable, match="not permitted"):
        store.delete("alan")
    assert not store.exists("alan")


def test_a_changed_reference_is_noticed(store: ProfileStore):
    store.add("alan", details(), PCM)
    path = store.root / "alan" / REFERENCE_NAME
    path.write_bytes(path.read_bytes()[:-2] + b"\1\1")
    with pytest.raises(ProfileInvalid, match="has changed"):
        store.reference("alan")


@pytest.mark.parametrize("name", [REFERENCE_NAME, MANIFEST_NAME])
def test_links_and_pipes_are_not_followed(store: ProfileStore, tmp_path: Path, name: str):
    store.add("alan", details(), PCM)
    path = store.root / "alan" / name
    kept = tmp_path / "kept"
    path.rename(kept)
    path.symlink_to(kept)
    with pytest.raises(ProfileInvalid):
        store.reference("alan")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ProfileInvalid):
        store.reference("alan")


def test_a_linked_folder_is_no_profile(store: ProfileStore, tmp_path: Path):
    store.add("alan", details(), PCM)
    (store.root / "eve").symlink_to(store.root / "alan")
    assert not store.exists("eve")
    assert [entry.id for entry in store.list()] == ["alan"]


def test_a_damaged_profile_is_listed_with_its_problem_and_can_be_deleted(store: ProfileStore):
    store.add("alan", details(), PCM)
    (store.root / "alan" / MANIFEST_NAME).write_text("{}")
    (entry,) = store.list()
    assert entry.id == "alan" and entry.profile is None and "alan" in entry.problem
    store.delete("alan")
    assert store.list() == []


def test_a_renamed_folder_is_a_damaged_profile(store: ProfileStore):
    store.add("alan", details(), PCM)
    (store.root / "alan").rename(store.root / "eve")
    with pytest.raises(ProfileInvalid, match="Rename"):
        store.get("eve")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("Jane Roe", "jane-roe"), ("女性1", "nuxing1"), ("!!!", "voice"), ("x" * 99, "x" * 56)],
)
def test_ids_are_made_from_names(store: ProfileStore, name: str, wanted: str):
    assert store.free_id(name) == wanted
    store.add(wanted, details(name[:100]), PCM)
    assert store.free_id(name) == f"{wanted}-2"
    assert store.free_id(name, {f"{wanted}-2"}) == f"{wanted}-3"


def test_a_prompt_is_made_once_and_anew_for_another_revision(store: ProfileStore):
    store.add("alan", details(), PCM)
    made: list[str] = []

    def make(revision: str) -> VoicePrompt:
        made.append(revision)
        return VoicePrompt("model", revision, np.full(8, len(made), np.float32))

    assert store.prompt("alan", "model", "1") is None
    for revision, value in (("1", 1), ("1", 1), ("2", 2), ("2", 2)):
        prompt = store.prompt("alan", "model", revision, lambda revision=revision: make(revision))
        assert prompt is not None and prompt.speaker_embedding[0] == value
    assert made == ["1", "2"]
    with pytest.raises(ProfileInvalid, match="not model 3"):
        store.prompt("alan", "model", "3", lambda: make("2"))
    store.delete("alan")
    with pytest.raises(VoiceNotFound):
        store.prompt("alan", "model", "2")


def test_a_profile_deleted_while_its_prompt_is_made_is_not_found(store: ProfileStore):
    store.add("alan", details(), PCM)

    def make() -> VoicePrompt:
        store.delete("alan")
        return VoicePrompt("model", "1", np.ones(8, np.float32))

    with pytest.raises(VoiceNotFound):
        store.prompt("alan", "model", "1", make)
    assert store.list() == []


def test_what_killed_processes_left_is_removed_when_it_is_old(store: ProfileStore):
    store.add("alan", details(), PCM)
    left = store.root / ".part-left"
    left.mkdir()
    os.utime(left, (1000, 1000))
    fresh = store.root / ".part-fresh"
    fresh.mkdir()
    os.utime(fresh, (9000, 9000))
    assert store.remove_leftovers(5000) == 1
    assert not left.exists() and fresh.exists() and store.exists("alan")


def test_what_is_finished_while_leftovers_are_sought_is_no_concern(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
):
    (store.root / ".part-work").mkdir(parents=True)

    def finished(path: Path) -> bool:
        path.rmdir()
        return False

    monkeypatch.setattr(Path, "is_symlink", finished)
    assert store.remove_leftovers(5000) == 0
