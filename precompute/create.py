"""From a photo, or by any order, to an avatar in the store: all stages at once, in this process."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2

from avatars.bundle import Bundle
from avatars.manifest import Provenance
from avatars.store import AvatarStore
from precompute.backdrop import Backdrop
from precompute.landmarks import FaceFinder
from precompute.matting.background import Blurred, Picture, Plain
from precompute.order import BLUR, KEEP, PICTURE, TRANSPARENT, AvatarOrder
from precompute.parts import PartBuilder, Progress
from precompute.stages.base import BACKDROP, SOURCE, Desk, DeskOptions, Record, Watcher
from precompute.stages.bundle import LEFTOVER_SECONDS
from precompute.stages.parts import PREFIX
from precompute.stages.plan import run_all, stages_of
from streaming.clock import Clock, SystemClock

__all__ = ["LEFTOVER_SECONDS", "Made", "create_avatar", "make_avatar", "temporary_desk"]


@dataclass(frozen=True, slots=True)
class Made:
    """An avatar that was made.

    Attributes:
        bundle: in the store.
        records: what each stage said, by its name, in their order.
    """

    bundle: Bundle
    records: dict[str, Record]

    def notes(self) -> list[str]:
        """What all stages said to the person who sent the photo or video."""
        return [note for record in self.records.values() for note in record.notes]


def make_avatar(
    order: AvatarOrder,
    source: bytes | Path,
    store: AvatarStore,
    *,
    backdrop: Path | None = None,
    builders: Sequence[PartBuilder] = (),
    options: DeskOptions | None = None,
    progress: Progress | None = None,
    watcher: Watcher | None = None,
) -> Made:
    """Carry out an order. Takes seconds to minutes of one core; call it off the event loop.

    Nothing is left behind when it fails, and nobody sees the avatar before it is whole. Parts for further
    engines are added to the avatar that is there already: one that cannot be built is told in a note.

    Args:
        order: what is wanted.
        source: the photo's or video's bytes, or a path that the caller chose itself (never one that a
            stranger named).
        store: where it goes.
        backdrop: a picture or film that is put behind the person; likewise.
        builders: build what further engines need.
        options: where models lie.
        progress: told what is being done, and how much of the whole is done (0..1).
        watcher: told more than that.

    Raises:
        AvatarExists: the id is taken.
        AvatarRejected: the photo or video is not fit; the message says why and what to do.
        EngineUnavailable: models are not installed.
        EngineFailed: one of them broke.
    """
    with temporary_desk(order, source, store) as desk:
        if backdrop is not None:
            shutil.copyfile(backdrop, desk.folder / BACKDROP)
        desk.builders, desk.options = builders, options or DeskOptions.of_environment()
        desk.watcher = watcher or desk.watcher
        return run_order(desk, progress)


def create_avatar(
    photo: bytes | Path,
    avatar: str,
    store: AvatarStore,
    *,
    name: str | None = None,
    provenance: Provenance | None = None,
    progress: Progress | None = None,
    finder: FaceFinder | None = None,
    clock: Clock | None = None,
    parts: Sequence[PartBuilder] = (),
    on_failed_part: Callable[[str, str], None] | None = None,
    prepare: Backdrop | None = None,
) -> Bundle:
    """Make an avatar from one front portrait, as :func:`make_avatar` does.

    Args:
        photo: the picture's bytes, or a path that the caller chose itself (never one a stranger named).
        avatar: id of the new avatar.
        store: where it goes.
        name: for people; made from the id when not given.
        provenance: where the photo comes from and who agreed to its use.
        progress: told what is being done, and how much of the whole is done (0..1).
        finder: loaded face networks to reuse; made here when missing.
        clock: says when the avatar was made.
        parts: build what further engines need.
        on_failed_part: told the engine whose part could not be built, and why.
        prepare: another background, with loaded networks to reuse.

    Raises:
        AvatarExists: the id is taken.
        BundleInvalid: the id is not a valid one.
        AvatarRejected: the photo is not fit; the message says why and what to do.
        EngineUnavailable: the face landmark models are not installed, or what ``prepare`` needs.
        EngineFailed: ``prepare`` broke.
    """
    store.writer(avatar)
    order = AvatarOrder(
        avatar=avatar,
        kind="photo",
        name=name,
        provenance=provenance or Provenance(),
        background=KEEP if prepare is None else _word(prepare),
        repair="auto" if prepare is not None and prepare.inpainter is not None else "off",
    )
    with temporary_desk(order, photo, store) as desk:
        desk.builders, desk.faces, desk.clock = parts, finder, clock or SystemClock()
        if prepare is not None:
            desk.matter, desk.inpainter = prepare.matter, prepare.inpainter
            desk.own_transparency = prepare.own_transparency
            if isinstance(prepare.background, Picture):
                cv2.imwrite(str(desk.folder / f"{BACKDROP}.png"), prepare.background.picture)
                os.replace(desk.folder / f"{BACKDROP}.png", desk.folder / BACKDROP)
        made = run_order(desk, progress)
    tell_failed(made, on_failed_part)
    return made.bundle


@contextmanager
def temporary_desk(order: AvatarOrder, source: bytes | Path, store: AvatarStore) -> Iterator[Desk]:
    """A desk for one order whose folder is gone afterwards.

    Raises:
        AvatarExists: the order's id is taken.
        BundleInvalid: it is not a valid one.
    """
    # Better known before the work than after it.
    store.writer(order.avatar)
    with tempfile.TemporaryDirectory(prefix="lipstream-") as folder:
        path = Path(folder)
        if isinstance(source, bytes):
            (path / SOURCE).write_bytes(source)
        yield Desk(path, order, store, path=source if isinstance(source, Path) else None)


def run_order(desk: Desk, progress: Progress | None) -> Made:
    """Run all stages of a desk's order."""
    run_all(desk, stages_of(desk.order, desk.builders), progress)
    return Made(desk.store.get(desk.order.avatar), desk.records())


def tell_failed(made: Made, told: Callable[[str, str], None] | None) -> None:
    """Tell which engines' parts could not be built, and why."""
    for name, record in made.records.items():
        if told is not None and name.startswith(PREFIX) and not record.report["ready"]:
            told(record.report["engine"], record.report["problem"])


def _word(backdrop: Backdrop) -> str:
    """What an order calls a background."""
    if isinstance(behind := backdrop.background, Plain):
        blue, green, red = behind.bgr
        return f"#{red:02x}{green:02x}{blue:02x}"
    if isinstance(behind, Blurred):
        return BLUR
    return PICTURE if isinstance(behind, Picture) else TRANSPARENT
