"""``lipstream avatar show``: the report and the sheet."""

import io
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from avatars.manifest import Provenance
from avatars.store import AvatarStore
from precompute.sheet import COLUMNS, TILE
from server.cli.main import app
from tests.support.bundles import bundle_with

REPORT = {
    "version": 1,
    "steps": {"face": {"judged": {"eye_span": {"value": 63.4, "unit": "px", "verdict": "fair"}}}},
    "notes": {"face": ["A closer photo [is] sharper."]},
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AvatarStore:
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return AvatarStore(tmp_path / "data" / "avatars")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["avatar", "show", *arguments])
    return result.exit_code, " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def steps(width: int, height: int, kind: str = "WEBP") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(file, kind)
    return file.getvalue()


def test_what_was_judged_and_where_it_comes_from_is_told(store):
    given = Provenance(source="a\x1b]0;photo", tools=("lipstream 1", "u2netp"), sha256="ab" * 32)
    bundle_with(store.root, "ada", {"report.json": json.dumps(REPORT).encode()}, provenance=given)
    code, said = run("ada")
    assert code == 0 and "How it was made" in said
    assert re.search(r"face │ eye span │ 63.4 px │ fair", said)
    assert "A closer photo [is] sharper." in said
    assert "made with lipstream 1, u2netp; source SHA-256 abababababab…" in said
    assert "source a ]0;photo" in said
    assert "How it was made" not in run("mira")[1]


def test_a_strangers_words_do_nothing_to_the_terminal(store):
    judged = {"eye\x1b[2J_span": {"value": "\x1b]0;mine", "verdict": "\x1b[8m"}}
    report = {"version": 1, "steps": {"\x1b[1A": {"judged": judged, "format": "\x1b[2K"}}}
    evil = {"name": "Ada\x1b[2J", "provenance": Provenance(licence="MIT\x1b[2J")}
    bundle_with(store.root, "ada", {"report.json": json.dumps(report).encode()}, **evil)
    for words in (["show", "ada"], ["list"]):
        told = CliRunner().invoke(app, ["avatar", *words])
        assert told.exit_code == 0 and "Ada" in told.output
        assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", told.output)
        assert "\x1b[8m" not in told.output


def test_the_sheet_has_the_steps_above_mouths_and_eyes(store):
    bundle_with(store.root, "ada", {"steps.webp": steps(2 * COLUMNS * TILE, 600)})
    assert run("ada", "--sheet", "ada.png")[0] == 0
    assert run("mira", "--sheet", "mira.png")[0] == 0
    sheet, plain = cv2.imread("ada.png"), cv2.imread("mira.png")
    assert sheet is not None and plain is not None
    assert plain.shape == (5 * TILE, COLUMNS * TILE, 3)
    assert sheet.shape[1] == COLUMNS * TILE and (sheet.shape[0] - 300) % TILE == 0
    assert np.abs(sheet[150, 700].astype(int) - (30, 30, 200)).max() < 8


@pytest.mark.parametrize(("data", "says"), [(b"none", "damaged"), (steps(9, 9, "PNG"), "damaged")])
def test_steps_that_are_none_are_told(store, data, says):
    bundle_with(store.root, "ada", {"steps.webp": data})
    code, said = run("ada", "--sheet", "ada.png")
    assert code == 1 and f"steps.webp is {says}" in said
