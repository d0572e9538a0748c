"""What the commands share: settings, consoles, exit codes."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from avatars.errors import AvatarError
from server import log
from server.settings import Settings, SettingsError, load_settings, unknown_variables
from streaming.errors import LipstreamError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def out() -> Console:
    """Where results go."""
    return Console(highlight=False)


def err() -> Console:
    """Where progress and errors go."""
    return Console(stderr=True, highlight=False)


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Say what is wrong and end."""
    err().print(f"[red]Error:[/red] {escape(message)}")
    raise typer.Exit(code)


def settings_or_exit(**overrides: Any) -> Settings:
    """The settings; wrong ones end the command with one line for each."""
    try:
        settings = load_settings(**overrides)
    except SettingsError as error:
        fail(f"the settings are not valid.\n{error}", EXIT_USAGE)
    for note in unknown_variables():
        err().print(f"[yellow]Note:[/yellow] {escape(note)}")
    return settings


def quiet_log(settings: Settings) -> None:
    """For commands that talk to a person: only what is wrong reaches the log, unless debugging."""
    log.set_up("debug" if settings.log_level == "debug" else "error", settings.log_format)


def progress_bar() -> Progress:
    """A bar on standard error that leaves nothing behind; silent where nobody looks."""
    console = err()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def readable_errors() -> Generator[None]:
    """Turn expected failures into a message and an exit code."""
    try:
        yield
    except (LipstreamError, AvatarError) as error:
        fail(error.message)
    except (KeyboardInterrupt, asyncio.CancelledError):
        err().print("Cancelled.")
        raise typer.Exit(EXIT_INTERRUPTED) from None


def plain(text: str) -> str:
    """Others' text, without anything that a terminal would obey."""
    return escape("".join(char if char.isprintable() else " " for char in text))
