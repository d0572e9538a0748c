"""Has avatars made ready for the face engines of the settings before the performer starts.

The networks that do it are loaded in a process of their own, which is gone, with all its memory on the card,
when the performer's come.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import structlog

from avatars.store import AvatarStore
from server.avatar_parts import part_builders
from server.settings import Settings

log = structlog.get_logger(__name__)

COMMAND = (sys.executable, "-m", "server", "avatar", "rebuild", "--all")
TOLD_BYTES = 2000
"""Of what the command said last, when it failed."""


def avatars_without(settings: Settings, store: AvatarStore) -> list[str]:
    """Ids of avatars that lack something that a face engine of the settings needs."""
    wanted = {builder.name for builder in part_builders(settings)}
    return [entry.id for entry in store.list() if entry.manifest and not wanted <= set(entry.engines)]


async def build_missing_parts(settings: Settings, store: AvatarStore) -> None:
    """Build what is missing. Avatars that cannot be made ready stay as they are, and the log says why."""
    missing = await asyncio.to_thread(avatars_without, settings, store)
    if not missing:
        return
    log.info("preparing avatars", avatars=missing, face=settings.face)
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(settings),
    )
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        log.warning("avatars not prepared", reason=said[-TOLD_BYTES:].decode(errors="replace").strip())
    else:
        log.info("avatars prepared", avatars=missing)


def _environment(settings: Settings) -> dict[str, str]:
    """The settings that matter to it, wherever they came from."""
    root = str(Path(__file__).parents[1])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "LIPSTREAM_DATA_DIR": str(settings.data_dir),
        "LIPSTREAM_FACE": settings.face,
        "LIPSTREAM_MUSETALK_FOLDER": settings.musetalk_folder,
        "LIPSTREAM_MUSETALK_DEVICE": settings.musetalk_device,
    }
