"""The mouths and eyes of a photo's person are drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatars.atlas import Image, MouthAtlas
from avatars.atlas_file import load_atlas, save_atlas
from precompute.assemble import write_still_parts
from precompute.clear import GREY
from precompute.matting.background import composite
from precompute.order import VIDEO
from precompute.portrait_atlas import build_portrait_atlas
from precompute.sheet import contact_sheet
from precompute.stages.base import Desk, Stage
from precompute.stages.film import first_of_film
from precompute.stages.keeping import AS_TAKEN, DRESSED, alpha_of, load_portrait

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
    alpha = alpha_of(desk) if desk.order.clear else None
    write_still_parts(atlas, desk.part("poster.webp"), desk.part("faces.npz"), _poster(desk, atlas, alpha))
    height, width = atlas.still.shape[:2]
    desk.detail(width=width, height=height)
    desk.report(
        {
            "mouths": int(atlas.mouths.shape[0] * atlas.mouths.shape[1]),
            "eyes": int(atlas.eyes.shape[0] * atlas.eyes.shape[1]),
        }
    )
    desk.preview(contact_sheet(atlas, alpha=alpha))
    desk.forget(AS_TAKEN, DRESSED)


def _poster(desk: Desk, atlas: MouthAtlas, alpha: NDArray[np.float32] | None) -> Image | None:
    """What the poster shows of an avatar without a background of its own."""
    if alpha is None:
        return None
    behind = first_of_film(desk) if desk.order.background == VIDEO else np.full_like(atlas.still, GREY)
    return composite(atlas.still, alpha, behind)


MOUTHS = Stage("mouths", "Drawing mouths and eyes", 0.45, _draw)
