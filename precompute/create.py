"""From a photo to an avatar in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from avatars.bundle import Bundle
from avatars.manifest import Provenance
from avatars.store import AvatarStore
from precompute.alpha import with_tools, write_alpha
from precompute.assemble import assemble
from precompute.backdrop import Prepare
from precompute.landmarks import FaceFinder
from precompute.parts import PartBuilder, Progress, build_parts
from precompute.photo import open_cutout, open_photo
from precompute.portrait import find_portrait
from precompute.portrait_atlas import build_portrait_atlas
from streaming.clock import Clock, SystemClock

LEFTOVER_SECONDS = 24 * 3600
"""What was being written or deleted this long ago is nobody's work any more: its process was killed."""
ATLAS_BEGINS, ATLAS_ENDS = 0.1, 0.75
"""Shares of the work on the avatar at which drawing the mouth atlas begins and ends."""
PARTS_BEGIN = 0.7
"""Share of the whole work that is done when parts for further engines are begun."""


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
    prepare: Prepare | None = None,
) -> Bundle:
    """Make an avatar from one front portrait. Takes some seconds of one core; call it off the event loop.

    Nothing is left behind when it fails, and nobody sees the avatar before it is whole. What killed processes
    left in the store earlier is removed. Parts for further engines are added to the avatar that is there
    already: when one of them cannot be built, the avatar stays as it is.

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
        prepare: changes the portrait before anything is drawn on it: ``precompute.backdrop.Backdrop``.

    Raises:
        AvatarExists: the id is taken.
        BundleInvalid: the id is not a valid one.
        AvatarRejected: the photo is not fit; the message says why and what to do.
        EngineUnavailable: the face landmark models are not installed, or what ``prepare`` needs.
        EngineFailed: ``prepare`` broke.
    """
    whole = progress or _silent
    share = PARTS_BEGIN if parts else 1.0

    def report(step: str, done: float) -> None:
        whole(step, done * share)

    clock = clock or SystemClock()
    store.remove_leftovers(clock.wall() - LEFTOVER_SECONDS)
    with store.writer(avatar) as writer:
        report("Opening the photo", 0.0)
        picture = open_photo(photo)
        report("Finding the face", 0.02)
        portrait = find_portrait(picture, finder)
        if prepare is not None:
            report("Replacing the background", 0.04)
            prepared = prepare(portrait, open_cutout(photo))
            portrait = prepared.portrait
            write_alpha(writer.path("alpha.png"), prepared.alpha)
            provenance = with_tools(provenance or Provenance(), prepared.tools)

        def drawing(part: float) -> None:
            report("Drawing mouths and eyes", ATLAS_BEGINS + part * (ATLAS_ENDS - ATLAS_BEGINS))

        atlas = build_portrait_atlas(portrait, drawing)
        bundle = assemble(
            atlas,
            writer,
            avatar,
            name or avatar.replace("-", " ").replace("_", " ").strip().title() or avatar,
            provenance or Provenance(),
            progress=lambda step, part: report(step, ATLAS_ENDS + part * (1 - ATLAS_ENDS)),
            clock=clock,
        )
    if not parts:
        return bundle
    failures = build_parts(
        parts, store, avatar, progress=lambda step, done: whole(step, share + done * (1 - share))
    )
    for engine, reason in failures.items():
        if on_failed_part is not None:
            on_failed_part(engine, reason)
    whole("Done", 1.0)
    return store.get(avatar)


def _silent(step: str, part: float) -> None:
    pass
