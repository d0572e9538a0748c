import importlib.util

import pytest

from streaming.errors import EngineUnavailable
from streaming.speech import espeak, espeak_library, kokoro_files
from streaming.speech.registry import DEFAULT_CHAIN, build_chain, create, statuses


def test_chains_are_built_from_names():
    assert build_chain(" Hibari , hibari,").name == "hibari"
    assert create("hibari").name == "hibari"


def test_the_default_chain_passes_over_what_is_not_installed(monkeypatch):
    monkeypatch.setattr(kokoro_files, "PARTS", ("no_such_package",))
    monkeypatch.setattr(espeak, "find_library", lambda: None)
    chain = build_chain()
    assert DEFAULT_CHAIN.startswith("hibari,") and chain.name == "hibari"
    assert [name for name, _ in chain.skipped] == ["kokoro", "espeak"]
    for _, reason in chain.skipped:
        assert "pip install" in reason.message


@pytest.mark.parametrize("names", ["nobody", "hibari,nobody", "", " , "])
def test_unknown_names_list_what_exists(names):
    with pytest.raises(EngineUnavailable, match=r"Choose from: .*hibari"):
        build_chain(names)


def test_missing_engines_say_what_to_install(monkeypatch):
    espeak_library.find_library.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("streaming.speech.qwen3.engine.missing", lambda *_: ("qwen-tts", "torch"))
    for name in ("hibari", "kokoro", "espeak", "qwen3"):
        with pytest.raises(EngineUnavailable, match="pip install"):
            build_chain(name)
    found = {status.name: status for status in statuses() if status.name != "hibari"}
    assert not found["kokoro"].ready and "pip install" in found["kokoro"].install
    assert not found["espeak"].ready and "pip install" in found["espeak"].install
    assert not found["qwen3"].ready and "pip install --no-deps qwen-tts" in found["qwen3"].install
    espeak_library.find_library.cache_clear()


def test_statuses_for_doctor():
    (status,) = [s for s in statuses() if s.name == "hibari"]
    assert status.kind == "speech" and status.ready and status.voices[0].name == "heart"
    assert [s.name for s in statuses()] == ["hibari", "kokoro", "espeak", "qwen3"]
