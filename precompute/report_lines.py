"""Reads an avatar's ``report.json``, of whatever origin, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from avatars.bundle import Bundle

MAX_TEXT = 200
"""Characters of a value that are shown."""
JUDGED = "judged"


class Line(NamedTuple):
    """One thing that was judged, measured or said."""

    step: str
    what: str
    value: str
    verdict: str


def read_report(bundle: Bundle) -> dict[str, Any] | None:
    """The report of an avatar; ``None`` where there is none that can be read."""
    if "report.json" not in bundle.manifest.parts:
        return None
    try:
        found = json.loads(bundle.part("report.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def report_lines(report: Mapping[str, Any]) -> list[Line]:
    """Everything in a report, step by step; what is not as it should be is left out."""
    lines: list[Line] = []
    steps, notes = _mapping(report.get("steps")), _mapping(report.get("notes"))
    for step in dict.fromkeys((*steps, *notes)):
        for what, value in _mapping(steps.get(step)).items():
            if what == JUDGED:
                lines += _judged(step, _mapping(value))
            elif shown := _shown(value):
                lines.append(Line(_words(step), _words(what), shown, ""))
        said = notes.get(step, [])
        lines += [Line(_words(step), "note", _clean(note), "") for note in said if isinstance(note, str)]
    return lines


def _judged(step: str, judged: Mapping[str, Any]) -> list[Line]:
    lines: list[Line] = []
    for what, entry in judged.items():
        if isinstance(entry, Mapping) and {"value", "verdict"} <= set(entry):
            value = _clean(f"{entry['value']} {entry.get('unit', '')}".strip())
            lines.append(Line(_words(step), _words(what), value, _clean(str(entry["verdict"]))))
    return lines


def _shown(value: object) -> str:
    """A value in a few words; nothing for what is empty."""
    if isinstance(value, Mapping) and {"begin", "end", "reason"} == set(value):
        return _clean(f"{value['begin']}-{value['end']} s {value['reason']}")
    if isinstance(value, Mapping):
        return _clean(", ".join(f"{key} {_shown(item)}" for key, item in value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _clean("; ".join(filter(None, (_shown(item) for item in value))))
    return "" if value is None else _clean(str(value))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _words(name: str) -> str:
    return _clean(name.replace("_", " "))


def _clean(text: str) -> str:
    """In one line, and nothing that a terminal would obey."""
    tidy = "".join(char if char.isprintable() else " " for char in text)
    return tidy if len(tidy) <= MAX_TEXT else f"{tidy[: MAX_TEXT - 1]}…"
