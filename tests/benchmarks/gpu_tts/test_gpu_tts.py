# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

import weakref
from typing import Any

import torch
import typer
from typer.testing import CliRunner

from benchmarks import result
from benchmarks.gpu_tts import __main__ as command
from benchmarks.gpu_tts.figures import Measured
from benchmarks.gpu_tts.sizes import SIZES
from benchmarks.gpu_tts.subject import random_model
from benchmarks.gpu_tts.timing import frame_seconds, package_frame_seconds
from streaming.gpu.placement import Placement
from streaming.speech.qwen3.eager import EagerLoop
from streaming.speech.qwen3.graphs import GraphLoop
from streaming.speech.qwen3.model import Qwen3Model

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


def test_without_a_card_the_published_sizes_are_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build of PyTorch that does not fit the driver finds none either; that would take hours."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(command, "measure", lambda *_: pytest.fail("measured on the CPU"))
    run = CliRunner().invoke(APP, [])
    assert run.exit_code == 1 and "no CUDA device" in run.output


def test_a_compiler_that_fails_costs_its_own_figures_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up = GraphLoop.warm_up

    def failing(loop: GraphLoop) -> None:
        if loop._compiled:
            raise RuntimeError("no C compiler")
        warm_up(loop)

    monkeypatch.setattr(GraphLoop, "warm_up", failing)
    options = ["--tiny", "--device", "cpu", "--frames", "12", "--repeats", "1", "--compiled"]
    run = CliRunner().invoke(APP, options)
    assert run.exit_code == 0, run.output
    assert "no C compiler" in run.output and "tiny graphs per frame" in run.output
    assert "tiny compiled" not in run.output and "tiny 8 sessions per frame" in run.output


def test_one_model_is_in_memory_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Qwen3Model]] = []

    def counted(*arguments: Any) -> Qwen3Model:
        assert not any(ref() for ref in made), "the model before is still held"
        made.append(weakref.ref(model := random_model(*arguments)))
        return model

    monkeypatch.setattr(command, "random_model", counted)
    command.measure(SIZES["tiny"], Placement("cpu", "float32"), 12, 1, False, print)
    assert len(made) == 2


def test_a_size_that_fails_does_not_cost_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[str] = []
    where = ({"device": "a card"}, (9, 0))

    def measure(size: Any, *_: Any) -> Measured:
        if size.name == "0.6B":
            raise RuntimeError("out of memory")
        return Measured(size.name, package=1, loops={"graphs": 1}, weight_bytes=1, kernels={"static": 1})

    monkeypatch.setattr(command, "find_placement", lambda *_: Placement("cuda", "bfloat16"))
    monkeypatch.setattr(command, "_where", lambda _: where)
    monkeypatch.setattr(command, "copy_bandwidth", lambda _: 1e12)
    monkeypatch.setattr(command, "measure", measure)
    monkeypatch.setattr(command, "save", lambda _name, _command, rows, _where: saved.append(rows[-1].name))
    assert CliRunner().invoke(APP, []).exit_code == 1
    assert saved == ["1.7B predicted for a T4 per frame"]
