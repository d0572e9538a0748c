"""``lipstream voice``: who can be heard."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from server import voices
from server.cli import voice_profiles
from server.cli.common import fail, out, progress_bar, quiet_log, readable_errors, settings_or_exit
from streaming.speech.registry import statuses

app = typer.Typer(help="Voices.", no_args_is_help=True)
app.command("create")(voice_profiles.create)
app.command("show")(voice_profiles.show)
app.command("delete")(voice_profiles.delete)
app.command("import")(voice_profiles.import_)


class Voices(StrEnum):
    """Engines whose voices can be fetched."""

    KOKORO = "kokoro"


@app.command("list")
def list_all() -> None:
    """List the voices that can speak now, and what brings more of them."""
    settings = settings_or_exit()
    quiet_log(settings)
    table = Table("Voice", "Engine", "Languages", "Description")
    more: list[str] = []
    with readable_errors():
        for status in statuses(settings.resources):
            for voice in status.voices if status.ready else ():
                table.add_row(voice.name, voice.engine, ", ".join(voice.languages), voice.description)
            if status.install:
                more.append(f"More for {status.name}: {status.install}")
    if not table.row_count:
        fail("no voice can speak. lipstream doctor says what to install.")
    out().print(table)
    voice_profiles.list_profiles(settings)
    for line in more:
        out().print(line, markup=False)


@app.command("install")
def install(
    engine: Annotated[Voices, typer.Argument(help="Whose voices: kokoro has 54 in nine languages, 28 MB.")],
    file: Annotated[
        Path | None,
        typer.Option(help="The archive kokoro-js-1.2.1.tgz, fetched elsewhere.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Fetch the voices of an engine into the data folder."""
    settings = settings_or_exit()
    quiet_log(settings)
    with readable_errors(), progress_bar() as bar:
        task = bar.add_task("Fetching voices", total=None)
        names = voices.install_kokoro(
            settings.data_dir,
            file=file,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    out().print(
        f"{len(names)} voices of {engine.value} are in {settings.data_dir / 'voices' / engine.value}."
    )
    out().print("A server that runs speaks with them after its next start.")
    for status in statuses(settings.resources):
        if status.name == engine.value and status.install:
            out().print(f"Still missing: {status.install}", markup=False)
