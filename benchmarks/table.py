"""Results as people read them."""

from __future__ import annotations

from rich.table import Table

from benchmarks.result import Result


def table(results: list[Result]) -> Table:
    """All rows, those that fall short marked."""
    out = Table("benchmark", "figure", "value", "target", "", title="Lipstream benchmarks")
    for result in results:
        for row in result.rows:
            sign = "<=" if row.better == "lower" else ">="
            target = "" if row.target is None else f"{sign} {row.target:g} {row.unit}"
            mark = "" if row.target is None else ("[green]ok[/]" if row.reached else "[bold red]SHORT[/]")
            out.add_row(result.name, row.name, f"{row.value:.4g} {row.unit}", target, mark)
    return out
