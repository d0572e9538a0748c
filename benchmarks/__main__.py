"""Run benchmarks and print a table with shortfalls marked: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console

from benchmarks import (
    backdrops,
    blending,
    browser,
    bundles,
    exports,
    hearing,
    kills,
    kokoro,
    line,
    lips,
    listening,
    load,
    mattes_video,
    moving_mouth,
    musetalk_part,
    rendering,
    video,
)
from benchmarks.result import Row, save
from benchmarks.table import table

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Row]]]] = {
    "line": line.measure,
    "load": load.measure,
    "rendering": rendering.measure,
    "blending": blending.measure,
    "musetalk_part": musetalk_part.measure,
    "backdrops": backdrops.measure,
    "mattes_video": mattes_video.measure,
    "video": video.measure,
    "bundles": bundles.measure,
    "kills": kills.measure,
    "exports": exports.measure,
    "moving_mouth": moving_mouth.measure,
    "lips": lips.measure,
    "listening": listening.measure,
    "hearing": hearing.measure,
    "kokoro": kokoro.measure,
    "browser": browser.measure,
}


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
