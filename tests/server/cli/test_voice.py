from pathlib import Path

import pytest
from typer.testing import CliRunner

from server import voices
from server.cli.main import app
from server.voices import FetchFailed


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str):
    return CliRunner().invoke(app, ["voice", *arguments])


def test_what_is_not_the_archive_is_refused(tmp_path: Path):
    Path("other.tgz").write_bytes(b"something else")
    result = run("install", "kokoro", "--file", "other.tgz")
    assert result.exit_code == 1 and "checksum" in result.output
    assert not list(Path(tmp_path, "data").rglob("*.bin"))


def test_voices_are_installed_into_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def install(data_dir: Path, **options: object) -> list[str]:
        asked.append(data_dir)
        return ["af_heart", "jf_alpha"]

    monkeypatch.setattr(voices, "install_kokoro", install)
    result = run("install", "kokoro")
    assert result.exit_code == 0 and "2 voices" in result.output
    assert asked == [tmp_path / "data"]


def test_a_failed_download_is_one_line(monkeypatch: pytest.MonkeyPatch):
    def refuse(data_dir: Path, **options: object) -> list[str]:
        raise FetchFailed("registry.npmjs.org cannot be reached")

    monkeypatch.setattr(voices, "install_kokoro", refuse)
    result = run("install", "kokoro")
    assert result.exit_code == 1 and "cannot be reached" in result.output


def test_only_known_engines_have_voices_to_fetch():
    assert run("install", "nobody").exit_code == 2


def test_the_list_says_what_brings_more_voices():
    result = run("list")
    assert result.exit_code == 0 and "heart" in result.output
    assert "kokoro" in result.output
