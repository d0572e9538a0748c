import importlib.util

import numpy as np
import pytest

from benchmarks.renders import busy, render
from precompute.matting.rembg_model import MODELS, RembgMatter
from streaming.errors import EngineUnavailable
from tests.support.mattes import U2NETP


def test_unknown_models_are_refused_with_those_that_there_are():
    with pytest.raises(EngineUnavailable, match="There are: u2netp, u2net"):
        RembgMatter("sam")


def test_without_rembg_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    matter = RembgMatter("u2netp")
    with pytest.raises(EngineUnavailable, match=r'pip install "lipstream\[matting\]"'):
        matter.load()


def test_the_models_are_rembgs_own_and_stay_on_this_machine():
    sessions = pytest.importorskip("rembg.sessions").sessions
    for model in MODELS:
        assert sessions[model].is_local() and not sessions[model].requires_credentials()


def test_a_model_that_cannot_be_fetched_says_where_to_put_it(monkeypatch, tmp_path):
    pytest.importorskip("rembg")

    def unreachable(*_, **__):
        raise ConnectionError("no network in tests")

    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    monkeypatch.setattr("pooch.retrieve", unreachable)
    with pytest.raises(EngineUnavailable, match=r"put u2net\.onnx into a folder and name it in U2NET_HOME"):
        RembgMatter("u2net").load()


def test_a_damaged_model_file_is_told(monkeypatch, tmp_path):
    pytest.importorskip("rembg")
    (tmp_path / "u2net.onnx").write_bytes(b"not a network")
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="u2net cannot be had"):
        RembgMatter("u2net").load()


@pytest.mark.skipif(not U2NETP.is_file(), reason="make setup puts u2netp.onnx into the virtual environment")
def test_a_person_is_told_from_a_busy_background(monkeypatch):
    import cv2

    pytest.importorskip("rembg")
    monkeypatch.setenv("U2NET_HOME", str(U2NETP.parent))
    matter = RembgMatter("u2netp")
    assert matter.name.startswith("rembg ") and matter.name.endswith(" u2netp")
    person = render("theo")
    alpha = matter.matte(person.before(busy("rocket")))
    assert alpha.shape == person.alpha.shape and alpha.dtype == np.float32
    found, true = alpha > 0.5, person.alpha > 0.5
    assert (found & true).sum() / (found | true).sum() > 0.97
    # A disc of light behind the head: one look alone takes it for a part of the person.
    mira = render("mira")
    small = cv2.resize(mira.before(busy("retina")), (512, 512), interpolation=cv2.INTER_AREA).astype(np.uint8)
    truth = cv2.resize(mira.alpha, (512, 512), interpolation=cv2.INTER_AREA) > 0.5
    once, thrice = (look > 0.5 for look in (matter._look(small), matter.matte(small)))
    assert (thrice & ~truth).sum() < 0.2 * (once & ~truth).sum()
    assert (thrice & truth).sum() > 0.97 * truth.sum()
