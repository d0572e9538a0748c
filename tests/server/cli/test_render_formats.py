"""``lipstream render`` to every format, of an avatar that has no background."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.cli.main import app
from tests.support.films import watch
from tests.support.transparent import photo_bundle


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    photo_bundle(tmp_path / "data" / "avatars", "tess")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["render", *arguments])


def said(result: Result) -> str:
    return " ".join(result.output.split())


def test_the_suffix_says_the_format_and_the_person_is_alone(here: Path):
    result = run("Hello there.", "-o", "x.MOV", "--avatar", "tess")
    assert result.exit_code == 0, result.output
    seen = watch(here / "x.MOV")
    assert seen.streams["video"] == "prores"
    alpha = seen.pictures[..., 3]
    assert (alpha[:, :8, :8] == 0).all() and (alpha[:, 60:, 60:68] == 255).all()


def test_a_film_has_the_colour_the_mark_and_says_what_it_is(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_MARK", "AI")
    result = run("Hello there.", "-o", "x.mp4", "--avatar", "tess", "--background", "#00ff00")
    assert result.exit_code == 0, result.output
    seen = watch(here / "x.mp4")
    first = seen.pictures[0].astype(int)
    assert first[2, 2, 1] > 240 > 20 > first[2, 2, 0]
    assert first[75:, 90:, :3].min(axis=2).max() > 180, "white letters"
    assert seen.metadata["title"] == "Tess speaks"
    assert "creation_time" in seen.metadata


def test_what_cannot_be_shown_or_written_is_said_before_engines_load(here: Path, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("no engine may be started")

    monkeypatch.setattr("streaming.performer.local.LocalPerformer.start", refuse)
    for arguments, status, words in (
        (("-o", "x.avi"), 2, "must end in .mp4 or .webm or .mov or .zip"),
        (("-o", "x.webm", "--background", "white", "--avatar", "mira"), 1, "transparent background"),
        (("-o", "x.webm", "--background", "whitish", "--avatar", "tess"), 1, "#e9ebee"),
    ):
        result = run("x", *arguments)
        assert result.exit_code == status, result.output
        assert words in said(result)
    assert not list(here.glob("x.*"))


def test_a_mark_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch):
    for name, value, words in (
        ("MARK", "合成", "lacks letters"),
        ("MARK", "x" * 41, "LIPSTREAM_MARK"),
        ("MARK_FONT", "/no/such.ttf", "no font"),
    ):
        monkeypatch.setenv(f"LIPSTREAM_{name}", value)
        result = run("x", "-o", "x.mp4")
        monkeypatch.delenv(f"LIPSTREAM_{name}")
        assert result.exit_code != 0 and words in said(result), result.output
