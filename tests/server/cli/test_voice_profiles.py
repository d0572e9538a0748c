import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.main import app
from streaming.speech.profiles.manifest import MANIFEST_NAME
from streaming.speech.profiles.store import ProfileStore
from tests.support.profiles import CONSENT, SPEECH, WORDS, spoken
from tests.support.recordings import tone, wav


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "data" / "voices" / "profiles")


def run(*arguments: str, **options: str):
    return CliRunner().invoke(app, ["voice", *arguments], **options)  # pyright: ignore[reportArgumentType]


def create(*more: str, file: str = str(SPEECH), consent: str = CONSENT):
    return run("create", file, "--name", "Alan", "--consent", consent, *more)


def test_a_voice_is_made_listed_shown_and_deleted(store: ProfileStore):
    made = create("--transcript", WORDS, "--author", "me")
    assert made.exit_code == 0, made.output
    assert "Made alan" in made.output and "of 4.0 s" in made.output and "qwen3" in made.output
    assert store.get("alan").provenance.author == "me"
    listed = run("list")
    assert "Voice of a person" in listed.output and "heart" in listed.output
    shown = run("show", "alan")
    for fact in (WORDS, CONSENT, "arctic_awb.opus", "speech", store.get("alan").provenance.sha256):
        assert fact in shown.output, fact
    kept = run("delete", "alan", input="n\n")
    assert kept.exit_code == 1 and store.exists("alan")
    assert run("delete", "alan", "--yes").exit_code == 0 and not store.exists("alan")
    assert "Voice of a person" not in run("list").output


def test_consent_is_asked_for(store: ProfileStore):
    assert run("create", str(SPEECH), "--name", "Alan").exit_code == 2
    refused = create(consent="yes")
    assert refused.exit_code == 1 and "consent" in refused.output
    assert store.list() == []


def test_a_refused_recording_shows_its_figures(tmp_path: Path, store: ProfileStore):
    (tmp_path / "tone.wav").write_bytes(wav(tone(24_000, 4)))
    refused = create(file="tone.wav")
    assert refused.exit_code == 1
    assert "of 4.0 s" in refused.output and "Speak for at least" in refused.output
    assert store.list() == []


def test_names_of_installed_voices_are_taken():
    refused = create("--id", "heart")
    assert refused.exit_code == 1 and "exists already" in refused.output


def test_an_openvoice_profile_is_imported_and_what_is_left_out_is_told(tmp_path: Path, store: ProfileStore):
    folder = tmp_path / "openvoice_1"
    folder.mkdir()
    (folder / "profile.json").write_text(json.dumps({"id": "openvoice_1", "name": "女性1", "language": "ja"}))
    (folder / "sample_01.wav").write_bytes(wav(spoken()))
    (folder / "embedding.pkl").write_bytes(b"not opened")
    imported = run("import", str(folder), "--consent", CONSENT)
    assert imported.exit_code == 0, imported.output
    assert "Kept sample_01.wav" in imported.output
    assert "Left out embedding.pkl" in imported.output and "never opened" in imported.output
    assert store.get("openvoice_1").name == "女性1"
    again = run("import", str(folder), "--consent", CONSENT)
    assert again.exit_code == 1 and "exists already" in again.output


def test_an_unknown_voice_is_one_line():
    for command in (("show", "nobody"), ("delete", "nobody", "-y"), ("show", "../../etc")):
        result = run(*command)
        assert result.exit_code == 1 and "There is no voice profile" in result.output


def test_a_damaged_voice_is_told_and_can_be_deleted(store: ProfileStore):
    create()
    (store.root / "alan" / MANIFEST_NAME).write_text("{}")
    assert "cannot be described" in run("list").output
    assert run("show", "alan").exit_code == 1
    assert run("delete", "alan", "-y").exit_code == 0


def test_what_a_name_says_is_not_taken_for_markup(store: ProfileStore):
    made = run("create", str(SPEECH), "--name", "[red]Alan[/red]", "--consent", CONSENT)
    assert made.exit_code == 0
    assert "[red]Alan[/red]" in run("list").output


def test_as_many_as_may_be(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_MAX_VOICE_PROFILES", "0")
    refused = create()
    assert refused.exit_code == 1 and "0 voices of 0" in refused.output
