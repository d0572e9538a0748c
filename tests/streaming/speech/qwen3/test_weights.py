import json
from pathlib import Path

import pytest

from streaming.errors import EngineUnavailable
from streaming.speech.qwen3 import weights


def a_folder(path: Path, **config: str) -> Path:
    (path / "speech_tokenizer").mkdir(parents=True)
    (path / "speech_tokenizer" / "config.json").write_text("{}")
    known = {"model_type": "qwen3_tts", "tokenizer_type": "qwen3_tts_tokenizer_12hz"}
    (path / "config.json").write_text(json.dumps({**known, **config}))
    return path


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "model")
    assert weights.find_weights(str(folder)) == folder


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"'config\.json' is missing"):
        weights.find_weights(str(tmp_path))
    with pytest.raises(EngineUnavailable, match="another model"):
        weights.find_weights(str(a_folder(tmp_path / "llm", model_type="qwen3")))
    with pytest.raises(EngineUnavailable, match="another model"):
        weights.find_weights(str(a_folder(tmp_path / "25", tokenizer_type="qwen3_tts_tokenizer_25hz")))
    damaged = a_folder(tmp_path / "damaged")
    (damaged / "config.json").write_text("{")
    with pytest.raises(EngineUnavailable, match="damaged"):
        weights.find_weights(str(damaged))
    for name in ("nothing", "a/b/c", "../no-such-model", "/no/where"):
        with pytest.raises(EngineUnavailable, match="neither a folder nor a model"):
            weights.find_weights(name)


def test_the_hub_is_asked_for_the_files_of_one_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    folder, asked = a_folder(tmp_path / "0123abc"), []

    def download(repository: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.append((repository, revision))
        assert "*.safetensors" in allow_patterns and not any("bin" in name for name in allow_patterns)
        return str(folder)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert weights.find_weights("0.6b-base", "0123abc") == folder
    assert weights.find_weights("someone/theirs") == folder
    assert weights.find_weights("1.7b-custom") == folder
    assert asked == [
        ("Qwen/Qwen3-TTS-12Hz-0.6B-Base", "0123abc"),
        ("someone/theirs", "main"),
        ("Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice", weights.COMMITS["Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice"]),
    ]


def test_every_published_model_is_pinned_to_a_commit() -> None:
    assert set(weights.COMMITS) == set(weights.MODELS.values())
    assert all(len(commit) == 40 and int(commit, 16) for commit in weights.COMMITS.values())


def test_without_a_connection_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")

    def download(*_arguments: object, **_settings: object) -> str:
        raise hub.errors.LocalEntryNotFoundError("offline")

    monkeypatch.setattr(hub, "snapshot_download", download)
    with pytest.raises(EngineUnavailable, match="give the folder as the model"):
        weights.find_weights("1.7b-base")
