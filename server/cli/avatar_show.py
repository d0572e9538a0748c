"""``lipstream avatar show``: what is known of an avatar, how it was made, and a sheet of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from avatars.bundle import Bundle
from avatars.manifest import Provenance
from avatars.store import AvatarStore
from server.cli.avatar_parts import musetalk_state, open_store
from server.cli.common import EXIT_USAGE, fail, out, plain, readable_errors

VERDICTS = {"good": "green", "fair": "yellow", "poor": "red"}
SHOWN_DIGITS = 12
"""Of the source's SHA-256."""


def show(
    avatar: Annotated[str, typer.Argument(metavar="ID", help="An avatar's id (lipstream avatar list).")],
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="Write a PNG: how it was made, step by step, the mouths and eyes that it can make, and what "
            "MuseTalk draws."
        ),
    ] = None,
) -> None:
    """Show what is known of an avatar, and how it was made."""
    if sheet is not None and sheet.suffix.lower() != ".png":
        fail(f"{sheet} must end in .png.", EXIT_USAGE)
    _, store = open_store()
    with readable_errors():
        bundle = store.get(avatar)
        out().print(_about(store, bundle))
        if (made := _report(bundle)) is not None:
            out().print(made)
        if sheet is not None:
            _write_sheet(store, bundle, sheet)
            out().print(escape(str(sheet)))


def _about(store: AvatarStore, bundle: Bundle) -> Table:
    manifest = bundle.manifest
    table = Table(show_header=False, box=None)
    table.add_row("id", manifest.id)
    table.add_row("name", plain(manifest.name))
    table.add_row("size", f"{manifest.width}x{manifest.height} at {manifest.fps} fps")
    table.add_row("idle loop", f"{manifest.frames / manifest.fps:.1f} s, {manifest.loop}")
    table.add_row("background", manifest.background)
    table.add_row("engines", ", ".join(manifest.engines))
    table.add_row("created", manifest.created.date().isoformat())
    for name in ("source", "author", "licence", "consent"):
        table.add_row(name, plain(getattr(manifest.provenance, name)))
    table.add_row("provenance", plain(provenance_line(manifest.provenance)))
    megabytes = sum(part.bytes for part in manifest.parts.values()) / 1e6
    table.add_row("parts", f"{', '.join(manifest.parts)} ({megabytes:.1f} MB)")
    table.add_row("musetalk", escape(musetalk_state(store, manifest.id)))
    table.add_row("folder", escape(str(bundle.path)))
    return table


def provenance_line(provenance: Provenance) -> str:
    """What it was made with, and the digest of what it was made from."""
    digest = f"source SHA-256 {provenance.sha256[:SHOWN_DIGITS]}…" if provenance.sha256 else ""
    made = f"made with {', '.join(provenance.tools)}" if provenance.tools else ""
    return "; ".join(filter(None, (made, digest))) or "nothing more is known"


def _report(bundle: Bundle) -> Table | None:
    from precompute.report_lines import read_report, report_lines

    report = read_report(bundle)
    lines = report_lines(report) if report is not None else []
    if not lines:
        return None
    table = Table("Step", "What", "Found", "", title="How it was made", title_justify="left")
    step = ""
    for line in lines:
        colour = VERDICTS.get(line.verdict)
        verdict = f"[{colour}]{line.verdict}[/{colour}]" if colour else plain(line.verdict)
        table.add_row(
            plain(line.step) if line.step != step else "", plain(line.what), plain(line.value), verdict
        )
        step = line.step
    return table


def _write_sheet(store: AvatarStore, bundle: Bundle, path: Path) -> None:
    import cv2

    from precompute.avatar_sheet import avatar_sheet

    picture = avatar_sheet(store, bundle)
    if picture is None:
        fail(f"There is nothing to show yet: lipstream avatar rebuild {bundle.id}")
    _, encoded = cv2.imencode(".png", picture)
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        fail(f"{path} cannot be written ({error.strerror}).")
