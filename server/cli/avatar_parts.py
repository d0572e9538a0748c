"""``lipstream avatar rebuild``: what avatars have for MuseTalk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.markup import escape

from avatars.errors import AvatarError, BundleInvalid
from avatars.musetalk import MaskMode
from avatars.store import AvatarStore
from server.cli.common import (
    EXIT_FAILED,
    EXIT_USAGE,
    err,
    fail,
    out,
    progress_bar,
    quiet_log,
    readable_errors,
    settings_or_exit,
)
from server.settings import Settings
from streaming.clock import SystemClock
from streaming.errors import EngineFailed, LipstreamError

if TYPE_CHECKING:
    from precompute.parts import PartBuilder


def open_store() -> tuple[Settings, AvatarStore]:
    """The settings, and the avatars of this machine."""
    settings = settings_or_exit()
    quiet_log(settings)
    return settings, AvatarStore(settings.avatars_dir)


def rebuild(
    avatar: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="An avatar's id (lipstream avatar list).")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All avatars.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even if nothing has changed.")] = False,
    mode: Annotated[
        MaskMode | None,
        typer.Option(help="What shows of the drawn face: with the jaw's rim, bare skin, or with the neck."),
    ] = None,
    parser: Annotated[
        str,
        typer.Option(
            help="A SegFormer that tells skin from hair: a folder, or jonathandinu/face-parsing of the hub. "
            "Without, the face mesh does."
        ),
    ] = "",
) -> None:
    """Build what MuseTalk needs of an avatar, where it is missing or outdated."""
    if (avatar is None) != every:
        fail("Name one avatar, or give --all.", EXIT_USAGE)
    # Imported here: what looks for faces is slow to load and only needed by this command.
    from precompute.create import LEFTOVER_SECONDS
    from server.avatar_parts import musetalk_builder

    settings, store = open_store()
    with readable_errors():
        builder = musetalk_builder(settings, mode, parser)
        # What is missing here is missing for every avatar.
        builder.source.identity()
        if avatar is not None:
            _build(builder, store, avatar, force)
            return
        failed = 0
        for entry in store.list():
            try:
                _build(builder, store, entry.id, force)
            except (AvatarError, LipstreamError) as error:
                err().print(f"[red]{entry.id}:[/red] {escape(error.message)}")
                failed += 1
        store.remove_leftovers(SystemClock().wall() - LEFTOVER_SECONDS)
    if failed:
        raise typer.Exit(EXIT_FAILED)


def musetalk_state(store: AvatarStore, avatar: str) -> str:
    """A few words on what an avatar has for MuseTalk.

    Raises:
        AvatarNotFound: there is no avatar with this id.
        BundleInvalid: the avatar is damaged.
    """
    make = f"lipstream avatar rebuild {avatar}"
    store.get(avatar)
    try:
        found = store.find_musetalk(avatar)
    except BundleInvalid:
        return f"damaged; make it anew: {make}"
    if found is None:
        return f"none; make it: {make}"
    part = found.part
    x, y, w, h = (int(n) for n in part.patch_rect)
    frames = "1 frame" if part.frames == 1 else f"{part.frames} frames"
    size = decimal(found.path.stat().st_size)
    state = f"{frames}, mask {part.mask_mode}, patch {w} x {h} at {x}, {y} ({size})"
    return state if found.current else f"outdated; make it anew: {make} (has {state})"


def _build(builder: PartBuilder, store: AvatarStore, avatar: str, force: bool) -> None:
    with progress_bar() as progress:
        task = progress.add_task("Starting", total=1.0)

        def report(step: str, done: float) -> None:
            progress.update(task, description=f"{avatar}: {step}", completed=done)

        try:
            built = builder.build(store, avatar, force=force, progress=report)
        except (OSError, RuntimeError, MemoryError) as error:
            # A network's library says so when there is not enough memory.
            raise EngineFailed(
                f"The part of '{avatar}' was not built: {error or type(error).__name__}"
            ) from error
    state = musetalk_state(store, avatar)
    out().print(escape(f"Built {avatar}: {state}" if built else f"{avatar} is up to date: {state}"))
