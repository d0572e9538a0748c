"""Run benchmarks and print a table with shortfalls marked: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.table import Table

from benchmarks import browser, hearing, kokoro, line, lips, listening, load, rendering
from benchmarks.result import Result, Row, save

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Row]]]] = {
    "line": line.measure,
    "load": load.measure,
    "rendering": rendering.measure,
    "lips": lips.measure,
    "listening": listening.measure,
    "hearing": hearing.measure,
    "kokoro": kokoro.measure,
    "browser": browser.measure,
}


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


async def main(names: list[str]) -> int:
    console = Console()
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        console.print(f"No benchmark is called {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.")
        return 2
    results = []
    for name in names or BENCHMARKS:
        console.print(f"measuring {name} ...")
        rows = await BENCHMARKS[name]()
        results.append(save(name, f"python -m benchmarks {name}", rows))
    console.print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
