import importlib.metadata
import subprocess
import sys

import pytest

from streaming.errors import EngineUnavailable
from streaming.speech.qwen3 import package


def versions(monkeypatch: pytest.MonkeyPatch, **found: str) -> None:
    def version(name: str) -> str:
        if name.replace("-", "_") not in found:
            raise importlib.metadata.PackageNotFoundError(name)
        return found[name.replace("-", "_")]

    monkeypatch.setattr(importlib.metadata, "version", version)


ALL = {
    "qwen_tts": "0.1.1",
    "transformers": "4.57.3",
    "torch": "2.13.0+cpu",
    "librosa": "0.11.0",
    "soundfile": "0.13",
}


def test_nothing_is_missing_where_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    versions(monkeypatch, **ALL)
    assert package.missing() == ()
    versions(monkeypatch, **{**ALL, "transformers": "4.57.6"})
    assert package.missing() == ()


def test_what_is_missing_or_of_another_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    versions(monkeypatch, **{**ALL, "transformers": "5.0.1", "qwen_tts": "0.1.10"})
    assert package.missing() == ("qwen-tts 0.1.1 (here: 0.1.10)", "transformers 4.57 (here: 5.0.1)")
    versions(monkeypatch)
    assert package.missing() == ("qwen-tts", "transformers", "torch", "librosa", "soundfile")
    assert package.missing(for_recordings=False) == ("qwen-tts", "transformers", "torch")
    with pytest.raises(EngineUnavailable, match=r"pip install --no-deps qwen-tts==0\.1\.1"):
        package.import_qwen_tts()


def test_it_imports_without_what_only_25_hz_models_use() -> None:
    pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
    if package.missing():
        pytest.skip(f"not installed: {package.missing()}")
    module = package.import_qwen_tts()
    assert module is package.import_qwen_tts() is sys.modules["qwen_tts"]
    assert hasattr(module, "Qwen3TTSModel")
    with pytest.raises(EngineUnavailable, match="25 Hz"):
        sys.modules["qwen_tts.core"].Qwen3TTSTokenizerV1Model()


WITHOUT_RECORDINGS = """
import importlib.metadata, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("librosa", "soundfile"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
found = importlib.metadata.version
def version(name):
    if name in ("librosa", "soundfile"):
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)
importlib.metadata.version = version

from streaming.errors import EngineUnavailable
from streaming.speech.qwen3 import package
assert package.missing() == ("librosa", "soundfile")
module = package.import_qwen_tts()
assert "librosa" not in sys.modules and "soundfile" not in sys.modules
from qwen_tts.core.models.modeling_qwen3_tts import mel_spectrogram
import torch
try:
    mel_spectrogram(torch.zeros(1, 4800), 1024, 128, 24000, 256, 1024, 0, 12000)
except EngineUnavailable as error:
    print(error.message)
"""


def test_what_only_recordings_need_may_be_absent_where_none_is_heard() -> None:
    """In a process of its own: nothing of the package may have been imported before."""
    pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
    if package.missing():
        pytest.skip(f"not installed: {package.missing()}")
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_RECORDINGS], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "needs librosa" in run.stdout
