"""The evaluation as tables: on the screen, as the benchmark's result, and as Markdown for the model card."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.result import Result, Row, save
from streaming.face.log_mel import log_mel
from streaming.face.viseme_net import VisemeNet
from streaming.timing import SLOT_SAMPLES
from training.visemes.clips import PEOPLE, UNSEEN_VOICES
from training.visemes.evaluate import Report

NAME, COMMAND = "visemes", "python -m training.visemes tests evaluate"
COLUMNS = (
    *("seconds", "opening", "width", "press", "bite", "tongue"),
    *("closures", "recall", "strict recall", "false closures", "vowels shut"),
)
COUNTED = frozenset({"seconds", "closures"})
TIMED_FRAMES = 2000
LARGEST_BYTES = 1_000_000
LARGEST_MILLISECONDS = 0.05
STILL = 0.01
BEGIN, END = "<!-- figures: written by python -m training.visemes evaluate -->", "<!-- end of figures -->"
_TARGETS: Mapping[tuple[str, str], float] = {
    (PEOPLE, "recall"): 0.88,
    (PEOPLE, "opening"): 0.78,
    (UNSEEN_VOICES, "recall"): 0.93,
    (UNSEEN_VOICES, "opening"): 0.85,
    (f"{UNSEEN_VOICES}, room 0.45 s", "recall"): 0.85,
    (f"{UNSEEN_VOICES}, random rooms", "recall"): 0.85,
}
_MUST_REST = (
    "silence",
    "white noise -40 dBFS",
    "pink noise -40 dBFS",
    "before and after speech, pink noise -40 dBFS",
)


def table(report: Report) -> Table:
    """For people."""
    out = Table("test set", *COLUMNS, title="Audio-to-viseme network")
    for name, figures in report.sets.items():
        out.add_row(name, *(_shown(column, figures[column]) for column in COLUMNS))
    return out


def markdown(report: Report) -> str:
    """The same as Markdown, and the noises in which the mouth should rest."""
    lines = [f"| test set | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, figures in report.sets.items():
        lines.append(f"| {name} | {' | '.join(_shown(column, figures[column]) for column in COLUMNS)} |")
    lines += ["", "| no speech | frames that move |", "|---|---|"]
    lines += [f"| {name} | {100 * share:.1f} % |" for name, share in report.rest.items()]
    return "\n".join(lines) + "\n"


def write_card(report: Report, card: Path) -> None:
    """Put the tables between the marks of the model card."""
    before, _, rest = card.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    card.write_text(f"{before}{BEGIN}\n\n{markdown(report)}\n{END}{after}", "utf-8")


def save_rows(report: Report, model: Path) -> Result:
    """Write ``benchmarks/results/visemes.json``."""
    rows = [
        Row("model file", model.stat().st_size, "bytes", LARGEST_BYTES),
        Row("network, one thread", _milliseconds(model), "ms per 40 ms", LARGEST_MILLISECONDS),
    ]
    for name, figures in report.sets.items():
        for column in COLUMNS:
            target = _TARGETS.get((name, column))
            unit = "" if column in COUNTED else "of all" if column in COLUMNS[7:] else "correlation"
            better = "lower" if column in ("false closures", "vowels shut") else "higher"
            rows.append(Row(f"{name}: {column}", round(figures[column], 4), unit, target, better))
    for name, share in report.rest.items():
        target = STILL if name in _MUST_REST else None
        rows.append(Row(f"{name}: frames that move", round(share, 4), "of all", target))
    return save(NAME, COMMAND, rows)


def _shown(column: str, value: float) -> str:
    return f"{value:.0f}" if column in COUNTED else f"{value:.3f}".replace("0.", ".", 1)


def _milliseconds(model: Path) -> float:
    """Median time of the network for one video frame; the ear is not counted."""
    stream = VisemeNet(model).open()
    rows = log_mel(np.zeros(SLOT_SAMPLES, np.float32))
    times = []
    for _ in range(TIMED_FRAMES):
        began = time.perf_counter()
        stream.hear(rows)
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1e3
