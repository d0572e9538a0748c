"""A part that is added to an avatar, or takes the place of the one that it has, while others read it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from avatars.bundle import Bundle, check_parts, manifest_text, measure, parse_manifest, read_manifest
from avatars.errors import AvatarNotFound, AvatarUnwritable, BundleInvalid
from avatars.exchange import exchange
from avatars.folders import TEMPORARY_PREFIX
from avatars.manifest import MANIFEST_NAME, Manifest, PartName


def revise(
    folder: Path, name: PartName, write: Callable[[Path], None], engine: Literal["atlas", "musetalk"]
) -> Bundle:
    """Give an avatar a new part: it then has the new one or, whatever happens, is as it was.

    A second folder with the other files is made beside it, out of sight, and takes its place in one step.
    Where the system has no such step, an avatar that is killed half-way is without that part; still whole.

    Args:
        folder: the avatar's.
        name: the part.
        write: writes it to a path.
        engine: the engine that the avatar is ready for with it.

    Raises:
        BundleInvalid: the avatar is damaged, or the new part does not fit.
        AvatarNotFound: it was deleted meanwhile.
        AvatarUnwritable: it was changed meanwhile, or the disk refuses.
    """
    before = read_manifest(folder)
    try:
        hidden = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=folder.parent))
    except FileNotFoundError as error:
        raise _gone(before) from error
    except OSError as error:
        raise _refused(before, error) from error
    try:
        after = _second_copy(folder, hidden, before, name, write, engine)
        if exchange(hidden, folder):
            _undo_if_another_was_there(hidden, folder, before)
        else:
            _one_after_the_other(hidden, folder, before, name)
    except FileNotFoundError as error:
        raise _gone(before) from error
    except OSError as error:
        raise _refused(before, error) from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return Bundle(folder, after)


def _second_copy(
    folder: Path,
    hidden: Path,
    before: Manifest,
    name: PartName,
    write: Callable[[Path], None],
    engine: Literal["atlas", "musetalk"],
) -> Manifest:
    for other in before.parts:
        if other != name:
            _link(folder / other, hidden / other)
    write(hidden / name)
    engines = tuple(dict.fromkeys((*before.engines, engine)))
    parts = dict(before.parts) | {name: measure(hidden / name)}
    after = parse_manifest(before.model_dump() | {"engines": engines, "parts": parts}, before.id)
    check_parts(hidden, after)
    (hidden / MANIFEST_NAME).write_text(manifest_text(after), encoding="utf-8")
    hidden.chmod(0o755)
    return after


def _link(source: Path, target: Path) -> None:
    """A second name for a file, as files of an avatar never change; a copy where there are no such names."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except (OSError, NotImplementedError):
        shutil.copyfile(source, target, follow_symlinks=False)


def _undo_if_another_was_there(hidden: Path, folder: Path, before: Manifest) -> None:
    """What left its place must be what the second copy was made from."""
    try:
        if read_manifest(hidden) == before:
            return
    except BundleInvalid:
        # Then it was not what was read at first, either.
        pass
    exchange(hidden, folder)
    raise AvatarUnwritable(f"The avatar '{before.id}' was changed by somebody else meanwhile. Try again.")


def _one_after_the_other(hidden: Path, folder: Path, before: Manifest, name: PartName) -> None:
    if read_manifest(folder) != before:
        raise AvatarUnwritable(f"The avatar '{before.id}' was changed by somebody else meanwhile. Try again.")
    if name in before.parts:
        # The file must never be one that the manifest tells of otherwise.
        parts = {part: known for part, known in before.parts.items() if part != name}
        engines = tuple(engine for engine in before.engines if not name.startswith(engine))
        without = parse_manifest(before.model_dump() | {"engines": engines, "parts": parts}, before.id)
        (hidden / "without.json").write_text(manifest_text(without), encoding="utf-8")
        os.replace(hidden / "without.json", folder / MANIFEST_NAME)
    os.replace(hidden / name, folder / name)
    os.replace(hidden / MANIFEST_NAME, folder / MANIFEST_NAME)


def _gone(before: Manifest) -> AvatarNotFound:
    return AvatarNotFound(f"The avatar '{before.id}' was deleted meanwhile.")


def _refused(before: Manifest, error: OSError) -> AvatarUnwritable:
    reason = error.strerror or type(error).__name__
    return AvatarUnwritable(
        f"The avatar '{before.id}' cannot be changed ({reason}). Let this program write to its data folder."
    )
