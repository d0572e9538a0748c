import importlib.util

import pytest

from streaming.errors import EngineUnavailable
from streaming.speech.registry import build_chain, create, statuses


def test_chains_are_built_from_names():
    assert build_chain().name == "hibari"
    assert build_chain(" Hibari , hibari,").name == "hibari"
    assert create("hibari").name == "hibari"


@pytest.mark.parametrize("names", ["nobody", "hibari,nobody", "", " , "])
def test_unknown_names_list_what_exists(names):
    with pytest.raises(EngineUnavailable, match=r"Choose from: .*hibari"):
        build_chain(names)


def test_missing_engines_say_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match="pip install"):
        build_chain("hibari")


def test_statuses_for_doctor():
    (status,) = [s for s in statuses() if s.name == "hibari"]
    assert status.kind == "speech" and status.ready and status.voices[0].name == "heart"
