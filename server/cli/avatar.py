"""``lipstream avatar``: who can be shown."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from server.cli import avatar_exchange
from server.cli.avatar_create import create
from server.cli.avatar_parts import open_store, rebuild
from server.cli.avatar_show import show
from server.cli.common import out, plain, readable_errors

app = typer.Typer(help="Avatars.", no_args_is_help=True)
app.command()(create)
app.command()(show)
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
                plain(manifest.name),
                f"{manifest.width}x{manifest.height}",
                ", ".join(entry.engines),
                plain(manifest.provenance.licence),
                "built in" if entry.builtin else "",
            )
    out().print(table)


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
