from pathlib import Path

import pytest

from benchmarks import result
from benchmarks.gpu.saving import Saving
from benchmarks.result import Row, load

HERE = {"device": "a card"}


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(result, "RESULTS", tmp_path)
    return tmp_path


def row(part: str, value: float) -> Row:
    return Row(f"{part}: a figure", value, "")


def figures(results: Path) -> dict[str, float]:
    return {row.name: row.value for row in load(results / "gpu.json").rows}


def test_parts_of_several_runs_are_joined(results: Path) -> None:
    first = Saving("--only faces", HERE, True)
    first.keep("faces", [row("faces", 1)])
    first.keep("both 1.7B", [row("both 1.7B", 2)])
    second = Saving("--only both", HERE, True)
    second.keep("both 1.7B", [row("both 1.7B", 3)])
    second.keep("both 0.6B", [row("both 0.6B", 4)])
    assert figures(results) == {
        "faces: a figure": 1,
        "both 0.6B: a figure": 4,
        "both 1.7B: a figure": 3,
    }


def test_figures_of_another_card_are_not(results: Path) -> None:
    Saving("", {"device": "another"}, True).keep("faces", [row("faces", 1)])
    Saving("", HERE, True).keep("T4, predicted", [row("T4, predicted", 2)])
    assert figures(results) == {"T4, predicted: a figure": 2}


def test_what_is_not_to_be_written_is_not(results: Path) -> None:
    saving = Saving("", HERE, False)
    saving.keep("both tiny", [row("both tiny", 2)])
    saving.keep("faces", [row("faces", 1)])
    assert [row.value for row in saving.rows] == [1, 2] and not list(results.iterdir())
