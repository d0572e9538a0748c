"""``lipstream avatar export`` and ``import``: an avatar as one file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from avatars.archive import SUFFIX, export_avatar, write_archive
from avatars.bundle import Bundle
from avatars.store import AvatarStore
from avatars.unpacking import import_archive
from server.cli.avatar_parts import open_store
from server.cli.common import fail, out, progress_bar, readable_errors
from server.fetch import Fetcher
from server.settings import Settings


def export(
    avatar: Annotated[str, typer.Argument(metavar="ID", help="An avatar's id (lipstream avatar list).")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=f"The file to write; ID{SUFFIX} here when absent."),
    ] = None,
) -> None:
    """Write an avatar into one file, to hand on."""
    _, store = open_store()
    with readable_errors():
        prepared = export_avatar(store, avatar)
        path = output or Path(prepared.filename)
        write_archive(prepared, path)
    out().print(escape(f"{path} ({prepared.size / 1e6:.1f} MB)"))
    out().print(escape(f"Take it in elsewhere: lipstream avatar import {path.name}"))


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or its address (https://...).")],
    name: Annotated[str | None, typer.Option(help="A new id for it: a-z, 0-9, - and _.")] = None,
) -> None:
    """Take in an avatar that 'lipstream avatar export' wrote."""
    settings, store = open_store()
    with readable_errors():
        if file.lower().startswith(("http://", "https://")):
            bundle = _import_address(settings, store, file, name)
        else:
            bundle = _import_file(store, Path(file), name)
    out().print(f"Took in {bundle.id}: {bundle.path}", markup=False)
    out().print(f'Try it: lipstream render "Hello!" --avatar {bundle.id} -o hello.mp4')


def _import_file(store: AvatarStore, path: Path, name: str | None) -> Bundle:
    try:
        file = path.open("rb")
    except OSError as error:
        fail(f"{path} cannot be read ({error.strerror}).")
    with file:
        return import_archive(store, file, name)


def _import_address(settings: Settings, store: AvatarStore, address: str, name: str | None) -> Bundle:
    fetcher = Fetcher(private=settings.fetch_private)

    async def work(progress: Callable[[int, int | None], None]) -> Bundle:
        async with AsyncExitStack() as stack:
            fetched = await stack.enter_async_context(
                fetcher.fetch(address, settings.max_avatar_bytes, progress=progress)
            )
            return await asyncio.to_thread(import_archive, store, fetched.file, name)

    with progress_bar() as bar:
        task = bar.add_task("Fetching", total=None)
        return asyncio.run(work(lambda done, total: bar.update(task, completed=done, total=total)))
