"""``lipstream avatar``: who can be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from avatars.bundle import Bundle
from avatars.store import AvatarStore
from server.cli import avatar_exchange
from server.cli.avatar_create import create
from server.cli.avatar_parts import musetalk_state, open_store, rebuild
from server.cli.common import EXIT_USAGE, fail, out, readable_errors

app = typer.Typer(help="Avatars.", no_args_is_help=True)
app.command()(create)
app.command()(rebuild)
app.command("export")(avatar_exchange.export)
app.command("import")(avatar_exchange.import_)

AvatarArgument = Annotated[str, typer.Argument(metavar="ID", help="An avatar's id (lipstream avatar list).")]


@app.command("list")
def list_all() -> None:
    """List the avatars."""
    table = Table("Id", "Name", "Size", "Engines", "Licence", "")
    with readable_errors():
        for entry in open_store()[1].list():
            manifest = entry.manifest
            if manifest is None:
                table.add_row(entry.id, "", "", "", "", f"[red]{escape(entry.problem or '')}[/red]")
                continue
            table.add_row(
                manifest.id,
                escape(manifest.name),
                f"{manifest.width}x{manifest.height}",
                ", ".join(entry.engines),
                escape(manifest.provenance.licence),
                "built in" if entry.builtin else "",
            )
    out().print(table)


@app.command()
def show(
    avatar: AvatarArgument,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Write a PNG: the mouths and eyes that it can make, and what MuseTalk draws."),
    ] = None,
) -> None:
    """Show what is known of an avatar."""
    if sheet is not None and sheet.suffix.lower() != ".png":
        fail(f"{sheet} must end in .png.", EXIT_USAGE)
    _, store = open_store()
    with readable_errors():
        bundle = store.get(avatar)
        manifest = bundle.manifest
        table = Table(show_header=False, box=None)
        table.add_row("id", manifest.id)
        table.add_row("name", escape(manifest.name))
        table.add_row("size", f"{manifest.width}x{manifest.height} at {manifest.fps} fps")
        table.add_row("idle loop", f"{manifest.frames / manifest.fps:.1f} s")
        table.add_row("engines", ", ".join(manifest.engines))
        table.add_row("created", manifest.created.date().isoformat())
        for name in ("source", "author", "licence", "consent"):
            table.add_row(name, escape(getattr(manifest.provenance, name)))
        megabytes = sum(part.bytes for part in manifest.parts.values()) / 1e6
        table.add_row("parts", f"{', '.join(manifest.parts)} ({megabytes:.1f} MB)")
        table.add_row("musetalk", escape(musetalk_state(store, manifest.id)))
        table.add_row("folder", escape(str(bundle.path)))
        out().print(table)
        if sheet is not None:
            _write_sheet(store, bundle, sheet)
            out().print(str(sheet))


def _write_sheet(store: AvatarStore, bundle: Bundle, path: Path) -> None:
    import cv2

    from precompute.alpha import alpha_tiles
    from precompute.part_tiles import musetalk_tiles
    from precompute.sheet import contact_sheet, tiled

    extra = musetalk_tiles(store, bundle)
    if "alpha.png" in bundle.manifest.parts and "atlas.npz" in bundle.manifest.parts:
        extra = [*alpha_tiles(bundle.part("alpha.png"), bundle.atlas().still), *extra]
    if "atlas.npz" not in bundle.manifest.parts and not extra:
        fail(f"There is nothing to show yet: lipstream avatar rebuild {bundle.id}")
    picture = contact_sheet(bundle.atlas(), extra) if "atlas.npz" in bundle.manifest.parts else tiled(extra)
    _, encoded = cv2.imencode(".png", picture)
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        fail(f"{path} cannot be written ({error.strerror}).")


@app.command()
def delete(
    avatar: AvatarArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete one of your avatars."""
    _, store = open_store()
    with readable_errors():
        if not yes and store.exists(avatar):
            typer.confirm(f"Delete the avatar '{avatar}'?", abort=True)
        store.delete(avatar)
    out().print(f"Deleted {avatar}.")
