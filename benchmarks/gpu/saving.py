"""Keeps what was measured, part by part: a run that is stopped, or measures but a part, loses nothing."""

from __future__ import annotations

from benchmarks import result
from benchmarks.result import Row, load, save

NAME = "gpu"
ORDER = ("faces", "checks", "both", "T4")


class Saving:
    """The result file of this benchmark.

    Args:
        command: that is measuring.
        where: on what.
        written: whether the file is to be written at all.
    """

    def __init__(self, command: str, where: dict[str, str], written: bool) -> None:
        self._command, self._where, self._written = command, where, written
        self._parts: dict[str, list[Row]] = {}
        path = result.RESULTS / f"{NAME}.json"
        if written and path.is_file() and (before := load(path)).machine.get("device") == where["device"]:
            for row in before.rows:
                self._parts.setdefault(row.name.partition(":")[0], []).append(row)

    @property
    def rows(self) -> list[Row]:
        """All that is known by now."""
        parts = sorted(self._parts, key=_place)
        return [row for part in parts for row in self._parts[part]]

    def keep(self, part: str, rows: list[Row]) -> None:
        """These are the figures of a part, in place of those that it had.

        Args:
            part: what the names of its rows begin with, up to the colon.
            rows: all of them.
        """
        self._parts[part] = rows
        if self._written:
            save(NAME, self._command, self.rows, self._where)


def _place(part: str) -> tuple[int, str]:
    return next(number for number, name in enumerate(ORDER) if part.startswith(name)), part
