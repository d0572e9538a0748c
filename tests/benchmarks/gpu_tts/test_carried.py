# pyright: reportMissingImports=false
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")

from streaming.speech.qwen3.package import QWEN_TTS_VERSION, TRANSFORMERS_VERSION

FOLDER = Path(__file__).parents[3] / "benchmarks" / "gpu_tts"
PROGRAM = (
    "av",
    "cv2",
    "fastapi",
    "hibari",
    "librosa",
    "onnxruntime",
    "pydantic_settings",
    "scipy",
    "soundfile",
)
"""What the program needs and the benchmark does not."""


def test_the_wheels_are_those_that_the_engine_works_with() -> None:
    pinned = (FOLDER / "requirements.txt").read_text("utf-8").splitlines()
    assert f"transformers=={TRANSFORMERS_VERSION}" in pinned
    assert f"qwen-tts=={QWEN_TTS_VERSION}" in pinned
    assert any(line.startswith("huggingface_hub==0.") for line in pinned)


def test_the_command_needs_nothing_of_the_rest_of_the_program() -> None:
    absent = f"import sys; sys.modules |= dict.fromkeys({PROGRAM!r}); import benchmarks.gpu_tts.__main__"
    run = subprocess.run([sys.executable, "-c", absent], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("arguments", [(), ("gpu_tts",), ("nothing", "run"), ("run",)])
def test_asked_for_nothing_the_script_says_how_it_is_used(arguments: tuple[str, ...]) -> None:
    run = subprocess.run([FOLDER.parent / "carried", *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 2 and "carried gpu_tts fetch 3.12" in run.stderr
