"""Rows for the result file and tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.judge.controls import OPEN, PARTED, Controls
from benchmarks.judge.drivers import FACE
from benchmarks.judge.material import LeftOut
from benchmarks.judge.scores import LARGEST_JUMP, Scores
from benchmarks.judge.utterances import Goals
from benchmarks.result import Row

ORDER_GOAL = 0.95
"""Rank correlation that a ruler must have."""
MISSING = "–"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The scores of one film, or of a group within it.

    Attributes:
        set_name: which set.
        group: language, speaker or kind of noise; empty for the whole set.
        avatar: whose face.
        driver: face engine or baseline.
        scores: the figures.
        goals: what the set must reach.
        seconds: how much was said.
    """

    set_name: str
    group: str
    avatar: str
    driver: str
    scores: Scores
    goals: Goals
    seconds: float

    @property
    def title(self) -> str:
        """How its rows begin."""
        name = f"{self.set_name} {self.group}".strip()
        return f"{name}, {self.avatar}" + ("" if self.driver == FACE else f", by {self.driver}")


def rows_of(
    verdicts: Sequence[Verdict], controls: Mapping[str, Controls], left_out: Sequence[LeftOut]
) -> list[Row]:
    """Everything, as rows of :mod:`benchmarks.result`."""
    rows = [row for avatar, control in controls.items() for row in _control_rows(avatar, control)]
    for verdict in verdicts:
        rows += _film_rows(verdict)
    return rows + [Row(f"left out: {item.name}", 1, "set", 0, note=item.reason) for item in left_out]


def _control_rows(avatar: str, c: Controls) -> list[Row]:
    title = f"judge, {avatar}"
    return [
        Row(f"{title}: order of openings", c.order, "rank correlation", ORDER_GOAL, "higher"),
        Row(
            f"{title}: opening against aperture shown", c.line, "correlation", note="no face scores much more"
        ),
        Row(f"{title}: the same by pixels alone", c.pixel_line, "correlation"),
        Row(f"{title}: the same by landmarks alone", c.landmark_line, "correlation"),
        Row(f"{title}: width against width shown", c.width_line, "correlation"),
        Row(f"{title}: pressed lips seen closed", c.pressed, "of all", 1, "higher"),
        Row(f"{title}: mouths from aperture {OPEN} taken for closed", c.open_closed, "of all", 0),
        Row(f"{title}: aperture that still looks closed", c.closed_until, "aperture"),
        Row(f"{title}: idle frames that seem to move", c.still_moving, "of all", 0.01),
        Row(f"{title}: lips parted by {PARTED} seen to move", c.parted_moving, "of all", 1, "higher"),
    ]


def _film_rows(verdict: Verdict) -> list[Row]:
    s, title = verdict.scores, verdict.title
    judged = verdict.driver == FACE and not verdict.group
    goals = verdict.goals if judged else Goals()
    rows: list[Row] = []

    def add(name: str, value: float | None, unit: str, target: float | None = None, **more: str) -> None:
        if value is not None:
            better = "higher" if more.get("better") == "higher" else "lower"
            rows.append(Row(f"{title}: {name}", value, unit, target, better, more.get("note", "")))

    within = f"{s.closure_count} m b p, within {verdict.goals.tolerance} frame(s)"
    add("closures seen", s.closures, "of all", goals.closures, better="higher", note=within)
    add("opening", s.opening, "correlation", goals.opening, better="higher")
    add("width", s.width, "correlation", better="higher")
    add("closures in the sound's own frames", s.own_closures, "of all", better="higher")
    vowels = f"control of closures: {s.vowel_count} vowels"
    add("open vowels taken for closed", s.vowels_closed, "of all", note=vowels)
    add("frames falsely closed", s.false_closures, "of all")
    add("lag", s.lag, "ms")
    if s.opening is None or not verdict.group:
        add("frames that move in silence", s.moving, "of all", goals.moving if judged else None)
    add("frames that move in pauses of speech", s.pauses_moving, "of all")
    if not verdict.group:
        jump_target = LARGEST_JUMP if judged else None
        add("largest step where speech begins or ends", s.jump, "px", jump_target)
        add("flicker of a still mouth", s.flicker, "levels")
        add("sharpness against the still", s.sharpness, "ratio", better="higher")
        add("wobble of the sharpness", s.wobble, "of mean")
    return rows


_COLUMNS = (
    ("closures", "closures seen", "{:.3f}"),
    ("own_closures", "in own frames", "{:.3f}"),
    ("vowels_closed", "open vowels closed", "{:.3f}"),
    ("false_closures", "frames falsely closed", "{:.3f}"),
    ("opening", "opening r", "{:.3f}"),
    ("width", "width r", "{:.3f}"),
    ("lag", "lag ms", "{:+.0f}"),
    ("moving", "moves in silence", "{:.3f}"),
    ("pauses_moving", "moves in pauses", "{:.3f}"),
    ("jump", "jump px", "{:.1f}"),
    ("flicker", "flicker", "{:.2f}"),
    ("sharpness", "sharpness", "{:.2f}"),
    ("wobble", "wobble", "{:.3f}"),
)
_GROUP_COLUMNS = 9
"""Figures that are also worth knowing of a single language or speaker."""


def markdown(
    verdicts: Sequence[Verdict], controls: Mapping[str, Controls], left_out: Sequence[LeftOut], about: str
) -> str:
    """The tables as Markdown: one per set, one per its parts, and the judge's own controls."""
    out = ["# The judge's table", "", about, ""]
    for item in left_out:
        out += [f"**Left out: {item.name}.** {item.reason}", ""]
    for name in dict.fromkeys(verdict.set_name for verdict in verdicts):
        of_set = [verdict for verdict in verdicts if verdict.set_name == name]
        whole = [verdict for verdict in of_set if not verdict.group]
        goals, scores = whole[0].goals, whole[0].scores
        out += [f"## {name}", "", _heading(goals, scores, whole[0].seconds), ""]
        out += _table(
            ["avatar", "driven by"], [([v.avatar, v.driver], v.scores) for v in whole], len(_COLUMNS)
        )
        parts = [verdict for verdict in of_set if verdict.group]
        if parts:
            keys = ["part", "avatar", "driven by"]
            out += _table(keys, [([v.group, v.avatar, v.driver], v.scores) for v in parts], _GROUP_COLUMNS)
    if controls:
        out += ["## the judge itself", "", *_controls_table(controls)]
    return "\n".join(out)


def _heading(goals: Goals, scores: Scores, seconds: float) -> str:
    facts = [f"{seconds:.0f} s of sound"]
    if scores.closure_count:
        facts.append(f"{scores.closure_count} m/b/p, counted within {goals.tolerance} frame(s) of the sound")
        facts.append(f"{scores.vowel_count} open vowels as control")
    wanted = [
        f"{name} {sign} {value:g}"
        for name, sign, value in (
            ("closures", ">=", goals.closures),
            ("opening", ">=", goals.opening),
            ("moving", "<=", goals.moving),
        )
        if value is not None
    ]
    return "; ".join(facts) + f". Wanted: {', '.join(wanted)}."


def _table(keys: list[str], lines: list[tuple[list[str], Scores]], count: int) -> list[str]:
    columns = [
        column
        for column in _COLUMNS[:count]
        if any(getattr(scores, column[0]) is not None for _, scores in lines)
    ]
    heads = keys + [head for _, head, _ in columns]
    out = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for names, scores in lines:
        cells = [_cell(getattr(scores, field), form) for field, _, form in columns]
        out.append("| " + " | ".join(names + cells) + " |")
    return [*out, ""]


def _cell(value: float | None, form: str) -> str:
    return MISSING if value is None else form.format(value)


def _controls_table(controls: Mapping[str, Controls]) -> list[str]:
    rows = {avatar: _control_rows(avatar, control) for avatar, control in controls.items()}
    out = ["| control | " + " | ".join(rows) + " | wanted |", "|" + "---|" * (len(rows) + 2)]
    for line in zip(*rows.values(), strict=True):
        name = line[0].name.split(": ", 1)[1]
        sign = ">=" if line[0].better == "higher" else "<="
        wanted = MISSING if line[0].target is None else f"{sign} {line[0].target:g}"
        out.append(f"| {name} | " + " | ".join(f"{row.value:.3f}" for row in line) + f" | {wanted} |")
    return [*out, ""]
