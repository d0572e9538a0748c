"""The one result schema: ``benchmarks/results/<name>.json``."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

RESULTS = Path(__file__).parent / "results"
MEASURED_PACKAGES = ("aiortc", "av", "numpy", "opencv-python-headless", "onnxruntime", "hibari-tts")

Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``target`` is what it must reach; ``None`` when it is only worth knowing."""

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Better = "lower"
    note: str = ""

    @property
    def reached(self) -> bool:
        if self.target is None:
            return True
        return self.value <= self.target if self.better == "lower" else self.value >= self.target


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark measured, where, and with which command."""

    name: str
    command: str
    rows: list[Row]
    commit: str = ""
    date: str = ""
    machine: dict[str, str] = field(default_factory=dict)


def _commit() -> str:
    """The commit that was measured, with ``+`` when the tree had changes beyond it."""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no", "--", ":!benchmarks/results"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def machine() -> dict[str, str]:
    """What it ran on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory_gb": f"{pages / 2**30:.0f}",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: version(name) for name in MEASURED_PACKAGES},
    }


def save(name: str, command: str, rows: list[Row], where: dict[str, str] | None = None) -> Result:
    """Write ``results/<name>.json`` and return what stands in it; ``where``: the machine, if not this way."""
    result = Result(
        name, command, rows, _commit(), datetime.now(UTC).strftime("%Y-%m-%d"), where or machine()
    )
    RESULTS.mkdir(exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(asdict(result)), indent=1)
    (RESULTS / f"{name}.json").write_bytes(encoded + b"\n")
    return result


def load(path: Path) -> Result:
    """Read a result file."""
    return msgspec.json.decode(path.read_bytes(), type=Result)
