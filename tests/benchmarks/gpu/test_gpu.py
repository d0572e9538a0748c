# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="MuseTalk needs diffusers, the rest of the program does not")
pytest.importorskip("librosa", reason="librosa is not installed")

from collections.abc import Iterator

import structlog
import torch
import typer
from typer.testing import CliRunner

from benchmarks import result
from benchmarks.gpu import __main__ as command
from benchmarks.gpu.checks import difference
from streaming.gpu.placement import Placement
from streaming.speech.qwen3.package import missing

APP = typer.Typer()
APP.command()(command.main)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    structlog.reset_defaults()


def run(*arguments: str):
    return CliRunner().invoke(APP, ["--tiny", "--device", "cpu", *arguments], env={"COLUMNS": "200"})


def test_unknown_parts_sizes_and_devices_are_refused() -> None:
    wrong = CliRunner().invoke(APP, ["--only", "voices"])
    assert wrong.exit_code == 2 and "voices" in wrong.output
    size = CliRunner().invoke(APP, ["--talkers", "7b", "--device", "cpu"])
    assert size.exit_code == 2 and "7b" in size.output
    missing_device = CliRunner().invoke(APP, ["--device", "tpu"])
    assert missing_device.exit_code == 1 and "tpu" in missing_device.output


def test_without_a_card_the_published_sizes_are_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(command, "_measure", lambda *_: pytest.fail("measured on the CPU"))
    refused = CliRunner().invoke(APP, [])
    assert refused.exit_code == 1 and "no CUDA device" in refused.output


def test_faces_are_measured_and_nothing_is_written() -> None:
    before = sorted(result.RESULTS.iterdir())
    done = run("--only", "faces")
    assert done.exit_code == 0, done.output
    assert "faces: against the recipe" in done.output and "T4, predicted" in done.output
    assert "checks:" not in done.output and "Not written" in done.output
    assert sorted(result.RESULTS.iterdir()) == before


@pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}")
@pytest.mark.slow
def test_the_whole_command_runs_without_a_card() -> None:
    done = run("--seconds", "3")
    assert done.exit_code == 0, done.output
    assert "SHORT" not in done.output, "a check failed"
    assert "broke" not in done.output
    assert "both tiny: 2 sessions, first frame after the text, median" in done.output
    assert "both tiny: places for 2, first frame when unloaded" in done.output


def test_each_part_is_kept_before_the_next_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []

    def broken(*_: object) -> None:
        raise RuntimeError("the card is gone")

    monkeypatch.setattr(command, "find_face_placement", lambda *_: Placement("cpu", "float32"))
    monkeypatch.setattr(command, "rows_of_faces", lambda *_: [])
    monkeypatch.setattr(command, "run_checks", broken)
    for name in ("measure_recipe", "measure_ours"):
        monkeypatch.setattr(command, name, lambda *_: None)
    monkeypatch.setattr(command.Saving, "keep", lambda _saving, part, _rows: kept.append(part))
    assert run("--only", "faces,checks").exit_code == 1
    assert kept == ["T4, predicted", "faces"]


def test_pictures_that_never_came_differ_from_all() -> None:
    one, other = bytes([10, 20]), bytes([12, 20])
    assert difference([one, one], [one, other]) == (2.0, 0.5)
    assert difference([one], [None]) == (255.0, 255.0)
