"""``lipstream avatar create`` with a video."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from avatars.store import BUILTIN_ROOT, AvatarStore
from server.cli.main import app
from streaming.errors import EngineUnavailable
from tests.support.coarse import few_mouths
from tests.support.musetalk_part import PoolingSource, part_of
from tests.support.videos import swaying, write_video


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def store(data: Path) -> AvatarStore:
    return AvatarStore(data / "avatars")


@pytest.fixture
def pooling(monkeypatch: pytest.MonkeyPatch):
    source = PoolingSource()
    monkeypatch.setattr("server.avatar_parts.VaeSource", lambda _: source)
    return source


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch):
    few_mouths(monkeypatch)


@pytest.fixture(scope="module")
def person(tmp_path_factory) -> str:
    still = cv2.imread(str(BUILTIN_ROOT / "sources" / "mira.png"))
    assert still is not None
    frames = swaying(np.asarray(still, np.uint8), 3.2, width=320, height=240)
    wall = np.full((240, 320, 3), 180, np.uint8)
    return str(write_video(tmp_path_factory.mktemp("video") / "a.mp4", [*[wall] * 10, *frames]))


def create(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["avatar", "create", *arguments])


def said(result: Result) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def test_a_video_talks_with_the_embedded_engine(store, person):
    result = create(person, "--name", "anna")
    assert result.exit_code == 0, result.output
    assert store.get("anna").manifest.engines == ("atlas",)
    assert "Try it: lipstream render" in said(result) and "do not move" not in said(result)


def test_a_loop_alone_is_made_when_it_is_asked_for(store, person):
    result = create(person, "--name", "anna", "--loop-only", "--source", "a test")
    assert result.exit_code == 0, result.output
    assert store.get("anna").manifest.engines == ()
    assert store.get("anna").manifest.provenance.source == "a test"
    assert "Left out: 0.0-0.4 s: no face" in said(result)
    assert "its lips do not move. MuseTalk may" in said(result)


class QuickBuilder:
    """Adds a part of numbers: how the real one is built from a loop is tested with what builds it."""

    name = "musetalk"

    def build(self, store, avatar, *, force=False, progress=None):
        store.put_musetalk(avatar, part_of(store.get(avatar)))
        return True


def test_with_musetalk_its_part_is_made_too(store, person, pooling, monkeypatch):
    monkeypatch.setenv("LIPSTREAM_FACE", "musetalk,atlas")
    monkeypatch.setattr("server.avatar_parts.part_builders", lambda settings: (QuickBuilder(),))
    result = create(person, "--name", "anna")
    assert result.exit_code == 0, result.output
    assert store.get("anna").manifest.engines == ("atlas", "musetalk")
    assert "Try it: lipstream render" in said(result) and "do not move" not in said(result)


def test_what_musetalk_lacks_is_said_before_the_video_is_looked_through(store, person, pooling, monkeypatch):
    def refuse():
        raise EngineUnavailable("Get the weights first.")

    monkeypatch.setattr(pooling, "identity", refuse)
    monkeypatch.setenv("LIPSTREAM_FACE", "musetalk,atlas")
    result = create(person, "--name", "anna")
    assert result.exit_code == 1 and "Get the weights first." in said(result)
    assert not store.exists("anna")


def test_refusals_reach_the_person(store, tmp_path):
    broken = tmp_path / "a.mp4"
    broken.write_bytes(b"no video at all, whatever it is called")
    result = create(str(broken), "--name", "anna", "--loop-only")
    assert result.exit_code == 1 and "not a video that can be read" in said(result)
    photo = str(BUILTIN_ROOT / "sources" / "mira.png")
    result = create(photo, "--name", "anna", "--loop-only")
    assert result.exit_code == 2 and "--loop-only is for videos" in said(result)
