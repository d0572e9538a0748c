"""The mouths and eyes of a photo's person are drawn."""

from __future__ import annotations

from avatars.atlas import MouthAtlas
from avatars.atlas_file import load_atlas, save_atlas
from precompute.assemble import write_still_parts
from precompute.portrait_atlas import build_portrait_atlas
from precompute.sheet import contact_sheet
from precompute.stages.base import Desk, Stage
from precompute.stages.keeping import AS_TAKEN, DRESSED, load_portrait

ATLAS = "atlas"
DRAWN = 0.88
"""Share of the stage at which everything is drawn."""


def atlas_of(desk: Desk) -> MouthAtlas:
    """The atlas that an earlier stage left."""
    kept = desk.kept(ATLAS, MouthAtlas)
    return kept if kept is not None else load_atlas(desk.part("atlas.npz"))


def _draw(desk: Desk) -> None:
    portrait = load_portrait(desk, DRESSED if desk.order.separates else AS_TAKEN)
    atlas = build_portrait_atlas(portrait, lambda done: desk.progress(DRAWN * done))
    save_atlas(desk.part("atlas.npz"), atlas)
    desk.keep(ATLAS, atlas)
    write_still_parts(atlas, desk.part("poster.webp"), desk.part("faces.npz"))
    height, width = atlas.still.shape[:2]
    desk.detail(width=width, height=height)
    desk.report(
        {
            "mouths": int(atlas.mouths.shape[0] * atlas.mouths.shape[1]),
            "eyes": int(atlas.eyes.shape[0] * atlas.eyes.shape[1]),
        }
    )
    desk.preview(contact_sheet(atlas))
    desk.forget(AS_TAKEN, DRESSED)


MOUTHS = Stage("mouths", "Drawing mouths and eyes", 0.45, _draw)
