"""The ``lipstream`` command: puts the groups together."""

from __future__ import annotations

from typing import Annotated

import typer

from server.cli import avatar, doctor, render, serve, voice
from server.cli.common import out
from server.version import program_version

app = typer.Typer(
    name="lipstream",
    help="Text or speech in, a person who talks out: live in a browser, or as an MP4 file.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        out().print(f"lipstream {program_version()}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Text or speech in, a person who talks out: live in a browser, or as an MP4 file."""


app.command()(serve.serve)
app.command()(render.render)
app.command()(doctor.doctor)
app.add_typer(avatar.app, name="avatar")
app.add_typer(voice.app, name="voice")
