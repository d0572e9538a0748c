import json
from pathlib import Path

import pytest

from streaming.speech.profiles.errors import ProfileExists, ProfileInvalid, ReferenceRejected
from streaming.speech.profiles.openvoice import import_profile
from streaming.speech.profiles.store import ProfileStore
from tests.support.profiles import CONSENT, PEOPLE, SPEECH, WORDS, spoken
from tests.support.recordings import tone, wav

LONGER = PEOPLE / "austen_0870.opus"


class Bomb:
    """Would leave a file behind if anybody unpickled it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def leave(folder: Path, kept: str) -> None:
    """Remove all recordings but one."""
    for path in folder.glob("*.wav"):
        if path.name != kept:
            path.unlink()


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "profiles")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import pickle

    folder = tmp_path / "openvoice_c403f011"
    folder.mkdir()
    described = {
        "id": "openvoice_c403f011",
        "name": "女性1",
        "description": "a voice\nfor tests",
        "language": "ja",
        "created_at": "2025-09-13T02:42:18.699082",
        "sample_count": 2,
        "status": "ready",
        "provider": "openvoice",
        "embedding_path": "/app/storage/voices/embedding.pkl",
        "reference_audio_path": "/etc/passwd",
        "metadata": {"sample_files": ["../../secret.wav"], "processing_time": 3.4},
    }
    (folder / "profile.json").write_text(json.dumps(described), encoding="utf-8")
    (folder / "sample_01.wav").write_bytes(wav(spoken(SPEECH)))
    (folder / "sample_02.wav").write_bytes(wav(spoken(LONGER)))
    (folder / "sample_03.wav").write_bytes(wav(tone(24_000, 4)))
    (folder / "embedding.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    (folder / "se.pth").write_bytes(b"PK")
    return folder


async def test_recording_and_metadata_are_kept_and_embeddings_never_opened(
    store: ProfileStore, folder: Path, tmp_path: Path
):
    imported = await import_profile(store, folder, consent=CONSENT)
    made = imported.profile
    assert made == store.get("openvoice_c403f011")
    assert (made.name, made.language, made.transcript) == ("女性1", "ja", None)
    assert "2025-09-13" in made.provenance.note and "a voice for tests" in made.provenance.note
    assert imported.kept == made.provenance.source == "sample_02.wav"
    left_out = {found.name: found.reason for found in imported.left_out}
    assert set(left_out) == {"embedding.pkl", "se.pth", "sample_01.wav", "sample_03.wav"}
    assert "never opened" in left_out["embedding.pkl"]
    assert "more speech" in left_out["sample_01.wav"] and "speech" in left_out["sample_03.wav"]
    assert not (tmp_path / "exploded").exists()


async def test_the_same_folder_twice_is_one_voice(store: ProfileStore, folder: Path):
    leave(folder, "sample_01.wav")
    await import_profile(store, folder, consent=CONSENT)
    with pytest.raises(ProfileExists):
        await import_profile(store, folder, consent=CONSENT)


async def test_a_folder_with_a_recording_alone_will_do(store: ProfileStore, tmp_path: Path):
    folder = tmp_path / "Plain Voice"
    folder.mkdir()
    (folder / "reference.wav").write_bytes(wav(spoken()))
    imported = await import_profile(store, folder, consent=CONSENT, transcript=WORDS)
    assert imported.profile.id == "plain-voice" and imported.profile.transcript == WORDS


async def test_a_transcript_needs_one_recording(store: ProfileStore, folder: Path):
    with pytest.raises(ProfileInvalid, match="one recording"):
        await import_profile(store, folder, consent=CONSENT, transcript=WORDS)


async def test_consent_is_asked_for(store: ProfileStore, folder: Path):
    with pytest.raises(ProfileInvalid, match="consent"):
        await import_profile(store, folder, consent="")


async def test_a_folder_of_profiles_is_no_profile(store: ProfileStore, folder: Path):
    with pytest.raises(ProfileInvalid, match="openvoice_c403f011"):
        await import_profile(store, folder.parent, consent=CONSENT)


async def test_a_folder_without_a_usable_recording_says_why(store: ProfileStore, folder: Path):
    for name in ("sample_01.wav", "sample_02.wav"):
        (folder / name).write_bytes(b"no sound")
    with pytest.raises(ReferenceRejected, match=r"sample_03\.wav"):
        await import_profile(store, folder, consent=CONSENT)
    assert not store.root.exists()


async def test_links_are_not_followed(store: ProfileStore, folder: Path, tmp_path: Path):
    (folder / "sample_03.wav").unlink()
    outside = tmp_path / "outside.wav"
    (folder / "sample_02.wav").rename(outside)
    (folder / "sample_02.wav").symlink_to(outside)
    imported = await import_profile(store, folder, consent=CONSENT)
    assert imported.kept == "sample_01.wav"


@pytest.mark.parametrize("text", ["{", '{"name": 7}', '{"x": "' + "a" * 70_000 + '"}'])
async def test_a_damaged_description_is_refused(store: ProfileStore, folder: Path, text: str):
    (folder / "profile.json").write_text(text)
    with pytest.raises(ProfileInvalid, match=r"profile\.json"):
        await import_profile(store, folder, consent=CONSENT)


async def test_foreign_ids_and_languages_that_mean_nothing_here_are_not_taken_over(
    store: ProfileStore, folder: Path
):
    leave(folder, "sample_01.wav")
    text = (folder / "profile.json").read_text(encoding="utf-8")
    described = json.loads(text) | {"id": "../../Evil", "language": "japanese", "name": "Jane"}
    (folder / "profile.json").write_text(json.dumps(described))
    imported = await import_profile(store, folder, consent=CONSENT)
    assert imported.profile.id == "jane" and imported.profile.language is None
