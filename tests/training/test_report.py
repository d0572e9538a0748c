from pathlib import Path

import pytest

from benchmarks import result
from streaming.face.viseme_net import MODEL
from training.visemes import report
from training.visemes.clips import PEOPLE
from training.visemes.evaluate import Report


def found() -> Report:
    figures = dict.fromkeys(report.COLUMNS, 0.5) | {"seconds": 34.2, "closures": 12}
    return Report({PEOPLE: figures}, {"silence": 0.0, "music": 0.25})


def test_the_card_gets_its_tables_and_keeps_the_rest(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text(f"# Before\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter.\n", "utf-8")
    for _ in range(2):
        report.write_card(found(), card)
    text = card.read_text("utf-8")
    assert text.startswith("# Before") and text.endswith("After.\n") and "old" not in text
    assert text.count(f"| {PEOPLE} | 34 | .500 |") == 1 and "| music | 25.0 % |" in text


def test_the_shipped_card_can_be_written_to() -> None:
    text = MODEL.with_suffix(".md").read_text("utf-8")
    assert text.index(report.BEGIN) < text.index(report.END)


def test_figures_become_a_benchmark_with_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "RESULTS", tmp_path)
    report.save_rows(found(), MODEL)
    rows = {row.name: row for row in result.load(tmp_path / "visemes.json").rows}
    assert rows["model file"].reached
    assert rows[f"{PEOPLE}: recall"].target == 0.88 and not rows[f"{PEOPLE}: recall"].reached
    assert rows["silence: frames that move"].reached and rows["music: frames that move"].target is None


def test_the_table_has_a_row_for_each_set() -> None:
    assert report.table(found()).row_count == 1
