import hashlib

import httpx
import numpy as np
import pytest

from benchmarks.backdrops import iou
from benchmarks.renders import busy, render
from precompute.matting import modnet
from precompute.matting.models import MATTING_MODELS, matter_of, models_here
from precompute.matting.modnet import ModnetMatter
from precompute.matting.rembg_model import RembgMatter
from streaming.errors import EngineUnavailable
from tests.support.mattes import U2NETP

HERE = U2NETP.with_name(modnet.FILE)


class Answer:
    """What ``httpx.stream`` gives."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def raise_for_status(self):
        pass

    def iter_bytes(self):
        yield from (self._body[i : i + 1000] for i in range(0, len(self._body), 1000))


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    return tmp_path


def test_what_is_fetched_is_kept_when_it_is_known(home, monkeypatch):
    body = bytes(range(256)) * 20
    monkeypatch.setattr(modnet, "BYTES", len(body))
    monkeypatch.setattr(modnet, "SHA256", hashlib.sha256(body).hexdigest())
    monkeypatch.setattr(httpx, "stream", lambda *_, **__: Answer(body))

    assert modnet._fetch(home / modnet.FILE).read_bytes() == body
    assert [path.name for path in home.iterdir()] == [modnet.FILE]


@pytest.mark.parametrize("body", [b"another", b"x" * 10_000])
def test_what_is_another_file_is_not_kept(home, monkeypatch, body):
    monkeypatch.setattr(modnet, "BYTES", 7)
    monkeypatch.setattr(httpx, "stream", lambda *_, **__: Answer(body))

    with pytest.raises(EngineUnavailable, match="not the one that is known"):
        ModnetMatter().load()
    assert not list(home.iterdir())


def test_without_a_connection_it_says_what_to_do(home, monkeypatch):
    def unreachable(*_, **__):
        raise httpx.ConnectError("no network in tests")

    monkeypatch.setattr(httpx, "stream", unreachable)
    with pytest.raises(EngineUnavailable, match=r"put its file modnet\.onnx into a folder"):
        ModnetMatter().load()


def test_another_file_under_its_name_is_never_loaded(home):
    (home / modnet.FILE).write_bytes(b"not a network")

    with pytest.raises(EngineUnavailable, match="is not the MODNet that is known"):
        ModnetMatter().matte(np.zeros((64, 64, 3), np.uint8))


def test_the_best_that_is_here_is_taken(home):
    assert isinstance(matter_of(), RembgMatter)
    assert models_here() == []
    (home / modnet.FILE).write_bytes(b"a file")
    (home / "models" / "u2net").mkdir(parents=True)
    (home / "models" / "u2net" / "u2net.onnx").write_bytes(b"a file")

    assert isinstance(matter_of(), ModnetMatter)
    assert models_here() == ["u2net", "modnet"]
    assert isinstance(matter_of("u2netp"), RembgMatter)
    assert set(models_here()) < set(MATTING_MODELS)


def test_unknown_models_are_refused():
    with pytest.raises(EngineUnavailable, match="no matting model 'sam'"):
        matter_of("sam")


@pytest.mark.skipif(not HERE.is_file(), reason="modnet.onnx does not lie beside u2netp.onnx")
def test_a_person_is_told_from_a_cup_that_touches_the_head(monkeypatch):
    monkeypatch.setenv("U2NET_HOME", str(HERE.parent))
    person = render("theo")

    alpha = ModnetMatter().matte(person.before(busy("coffee"))[::2, ::2])

    assert alpha.dtype == np.float32
    assert iou(alpha, person.alpha[::2, ::2]) > 0.97
