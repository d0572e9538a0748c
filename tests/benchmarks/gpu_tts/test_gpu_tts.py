# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

import typer
from typer.testing import CliRunner

from benchmarks import result
from benchmarks.gpu_tts import __main__ as command
from benchmarks.gpu_tts.sizes import SIZES
from benchmarks.gpu_tts.subject import random_model
from benchmarks.gpu_tts.timing import frame_seconds, package_frame_seconds
from streaming.speech.qwen3.eager import EagerLoop
from streaming.speech.qwen3.placement import Placement

APP = typer.Typer()
APP.command()(command.main)


def test_the_package_and_our_loop_are_timed_over_the_same_frames() -> None:
    model = random_model(SIZES["tiny"], command.KIND, Placement("cpu", "float32"))
    prompt = command.prompt_of(model)
    assert package_frame_seconds(model, prompt, 8) > 0
    assert frame_seconds(EagerLoop(model), prompt, 1, 8) > 0


def test_unknown_sizes_and_devices_are_refused() -> None:
    wrong = CliRunner().invoke(APP, ["--sizes", "7b", "--device", "cpu"])
    assert wrong.exit_code == 2 and "7b" in wrong.output
    missing = CliRunner().invoke(APP, ["--device", "tpu"])
    assert missing.exit_code == 1 and "tpu" in missing.output


def test_the_whole_command_runs_without_a_card_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "save", lambda *_: pytest.fail("figures of a tiny model were written"))
    before = sorted(result.RESULTS.iterdir())
    run = CliRunner().invoke(APP, ["--tiny", "--device", "cpu", "--frames", "12", "--repeats", "1"])
    assert run.exit_code == 0, run.output
    assert "Not written" in run.output and "tiny 8 sessions per frame" in run.output
    assert sorted(result.RESULTS.iterdir()) == before
