"""``lipstream voice``: who can be heard."""

from __future__ import annotations

import typer
from rich.table import Table

from server.cli.common import fail, out, quiet_log, readable_errors, settings_or_exit
from streaming.speech.registry import statuses

app = typer.Typer(help="Voices.", no_args_is_help=True)


@app.command("list")
def list_all() -> None:
    """List the voices that can speak now."""
    settings = settings_or_exit()
    quiet_log(settings)
    table = Table("Voice", "Engine", "Languages", "Description")
    with readable_errors():
        for status in statuses():
            for voice in status.voices if status.ready else ():
                table.add_row(voice.name, voice.engine, ", ".join(voice.languages), voice.description)
    if not table.row_count:
        fail("no voice can speak. lipstream doctor says what to install.")
    out().print(table)
