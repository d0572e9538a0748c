"""The last steps of every avatar with a mouth atlas: its parts, and the bundle around them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from avatars.atlas import Image, MouthAtlas
from avatars.atlas_file import save_atlas
from avatars.bundle import Bundle, BundleWriter
from avatars.manifest import AvatarDetails, Provenance
from precompute.idle import LOOP_SECONDS, write_idle_loop, write_poster
from precompute.parts import Progress
from streaming.clock import Clock, SystemClock
from streaming.timing import FPS


def assemble(
    atlas: MouthAtlas,
    writer: BundleWriter,
    avatar: str,
    name: str,
    provenance: Provenance,
    *,
    progress: Progress,
    idle_seconds: float = LOOP_SECONDS,
    clock: Clock | None = None,
) -> Bundle:
    """Write all parts of an avatar into ``writer`` and commit.

    Args:
        atlas: its mouth atlas.
        writer: an entered writer of the store that the avatar goes to.
        avatar: its id.
        name: its name for people.
        provenance: where it comes from.
        progress: told about each step, from 0 to 1.
        idle_seconds: length of the idle loop.
        clock: says when it was made.

    Raises:
        BundleInvalid: something does not fit together.
        AvatarExists: the id was taken meanwhile.
    """
    progress("Writing the mouth atlas", 0.0)
    save_atlas(writer.path("atlas.npz"), atlas)
    progress("Writing the poster and the landmarks", 0.2)
    write_still_parts(atlas, writer.path("poster.webp"), writer.path("faces.npz"))
    progress("Drawing the idle loop", 0.25)
    frames = write_idle_loop(atlas, writer.path("idle.mp4"), idle_seconds)
    progress("Closing the bundle", 0.95)
    height, width = atlas.still.shape[:2]
    bundle = writer.commit(
        AvatarDetails(
            id=avatar,
            name=name,
            width=width,
            height=height,
            fps=FPS,
            frames=frames,
            created=datetime.fromtimestamp(round((clock or SystemClock()).wall()), UTC),
            provenance=provenance,
            engines=("atlas",),
        )
    )
    progress("Done", 1.0)
    return bundle


def write_still_parts(atlas: MouthAtlas, poster: Path, faces: Path, shown: Image | None = None) -> None:
    """Write what comes of the still alone.

    Args:
        atlas: the avatar's.
        poster: a WebP.
        faces: an npz: landmarks (1, 468, 2) of the still in pixels, and their box (1, 4): left, top, right,
            bottom.
        shown: what the poster shows, (H, W, 3) BGR; the still, when not given.
    """
    write_poster(atlas.still if shown is None else shown, poster)
    landmarks = atlas.landmarks[None].astype(np.float32)
    boxes = np.concatenate([landmarks.min(axis=1), landmarks.max(axis=1)], axis=1)
    with faces.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, landmarks=landmarks, boxes=boxes)
