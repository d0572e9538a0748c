"""Folders that appear and vanish as wholes: how avatars, and voices of people, lie on the disk."""

from __future__ import annotations

import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

TEMPORARY_PREFIX = ".part-"
"""Begins the name of a folder that is being written or deleted."""


def is_folder(path: Path) -> bool:
    """Whether it is a folder itself, and not a link to one, which could lead anywhere."""
    return path.is_dir() and not path.is_symlink()


def folders_of(root: Path, names: re.Pattern[str]) -> list[Path]:
    """The folders in ``root`` whose names match, sorted; none when it does not exist."""
    if not root.is_dir():
        return []
    return sorted(folder for folder in root.iterdir() if names.fullmatch(folder.name) and is_folder(folder))


def hide(folder: Path) -> Path:
    """Take a folder out of sight in one step, so that nobody meets half of it.

    Returns:
        Where it is now; :func:`discard` it.

    Raises:
        FileNotFoundError: it is gone.
        OSError: it cannot be moved.
    """
    # A name and no folder of its own: a full disk would not take one.
    grave = folder.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    return folder.rename(grave)


def discard(grave: Path) -> None:
    """Remove a hidden folder with all that is in it.

    Raises:
        OSError: some of it cannot be removed.
    """
    # Who looks for leftovers may be at it, too.
    with suppress(FileNotFoundError):
        shutil.rmtree(grave)


def remove_leftovers(root: Path, before: float) -> int:
    """Remove what a killed process was writing or deleting in ``root``.

    Args:
        root: the folder of all.
        before: Unix time; younger folders may be somebody's work and stay.

    Returns:
        How many folders were removed.
    """
    removed = 0
    for folder in root.glob(f"{TEMPORARY_PREFIX}*") if root.is_dir() else ():
        # It may vanish between two looks: somebody's work that is done.
        with suppress(FileNotFoundError):
            if is_folder(folder) and folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed
