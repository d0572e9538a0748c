"""What all stages said, as the avatar keeps it: ``report.json``, and ``steps.webp``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.manifest import Provenance
from precompute.stages.base import Desk

Image = NDArray[np.uint8]

REPORT_VERSION = 1
STEPS_BYTES = 400_000
"""A sheet of steps takes no more."""
CELL, COLUMNS, GAP = 480, 3, 6
MAX_HEIGHT = 640
TITLE_HEIGHT = 30
PAPER = 244
QUALITIES = (80, 70, 60, 50, 40, 30, 20)
MAX_TOOLS = 20
"""A provenance takes so many."""


def report_of(desk: Desk) -> dict[str, Any]:
    """What was judged and measured so far: ``steps`` by name, and ``notes`` by name."""
    records = desk.records()
    return {
        "version": REPORT_VERSION,
        "kind": desk.order.kind,
        "steps": {name: record.report for name, record in records.items() if record.report},
        "notes": {name: record.notes for name, record in records.items() if record.notes},
    }


def report_text(desk: Desk) -> str:
    """What ``report.json`` holds; its ``mark`` tells this order's avatar from others."""
    return json.dumps(report_of(desk) | {"mark": desk.mark}, indent=1, ensure_ascii=False) + "\n"


def details_of(desk: Desk) -> dict[str, Any]:
    """Fields of the manifest that stages have settled."""
    return {name: value for record in desk.records().values() for name, value in record.details.items()}


def provenance_of(desk: Desk, sha256: str) -> Provenance:
    """The order's provenance, with what was used and the source's digest."""
    given = desk.order.provenance
    used = [tool for record in desk.records().values() for tool in record.tools]
    tools = tuple(dict.fromkeys((*given.tools, lipstream_name(), *used)))[:MAX_TOOLS]
    return given.model_copy(update={"tools": tools, "sha256": sha256})


def lipstream_name() -> str:
    """This program and its version."""
    try:
        return f"lipstream {version('lipstream')}"
    except PackageNotFoundError:
        return "lipstream"


def steps_sheet(desk: Desk) -> bytes | None:
    """The previews of all finished stages, each with its title, as a WebP; ``None`` where there are none."""
    cells: list[Image] = []
    for name, record in desk.records().items():
        path = desk.preview_path(name)
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.exists() else None
        if picture is not None:
            cells.append(_cell(np.asarray(picture, np.uint8), f"{len(cells) + 1}. {record.title}"))
    if not cells:
        return None
    sheet = _columns(cells)
    data = b""
    for quality in QUALITIES:
        done, encoded = cv2.imencode(".webp", sheet, [cv2.IMWRITE_WEBP_QUALITY, quality])
        if not done:
            raise OSError("The sheet of steps could not be encoded as WebP.")
        data = encoded.tobytes()
        if len(data) <= STEPS_BYTES:
            break
    return data


def _cell(picture: Image, title: str) -> Image:
    """(h + TITLE_HEIGHT + 2 GAP, CELL + 2 GAP, 3): the picture, and its title above."""
    height = min(round(picture.shape[0] * CELL / picture.shape[1]), MAX_HEIGHT)
    width = min(CELL, round(picture.shape[1] * height / picture.shape[0]))
    method = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_CUBIC
    cell = np.full((TITLE_HEIGHT + height + 2 * GAP, CELL + 2 * GAP, 3), PAPER, np.uint8)
    below = cell[GAP + TITLE_HEIGHT :, GAP:]
    below[:height, :width] = cv2.resize(picture, (width, height), interpolation=method)
    cv2.putText(cell, title, (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    return cell


def _columns(cells: Sequence[Image]) -> Image:
    """Each picture goes to the shortest column."""
    columns: list[list[Image]] = [[] for _ in range(min(COLUMNS, len(cells)))]
    heights = [0] * len(columns)
    for cell in cells:
        shortest = heights.index(min(heights))
        columns[shortest].append(cell)
        heights[shortest] += cell.shape[0]
    stacks = [np.vstack(column) for column in columns]
    paper = (PAPER,) * 3
    full = [
        cv2.copyMakeBorder(stack, 0, max(heights) - len(stack), 0, 0, cv2.BORDER_CONSTANT, value=paper)
        for stack in stacks
    ]
    return np.asarray(np.hstack(full), np.uint8)
