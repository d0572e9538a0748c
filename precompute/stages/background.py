"""The person of a photo is told from the background, and put before another one."""

from __future__ import annotations

import cv2
import numpy as np

from precompute.alpha import write_alpha
from precompute.backdrop import Backdrop, Separated, compose, matte_line
from precompute.matting.background import Background, Blurred, Picture, colour
from precompute.matting.foreground import own_colours
from precompute.matting.models import matter_of
from precompute.order import BLUR, PICTURE, TRANSPARENT, VIDEO
from precompute.photo import open_cutout, open_photo
from precompute.portrait import Portrait
from precompute.stages.base import BACKDROP, PREVIEW_SIDE, Desk, Image, Stage
from precompute.stages.drawing import GAP, over_checks, shrunk, side_by_side
from precompute.stages.keeping import (
    AS_TAKEN,
    DRESSED,
    load_portrait,
    save_portrait,
    save_separated,
    source_of,
)

SHOWN = (PREVIEW_SIDE - GAP) // 2
"""Height of each of two pictures side by side."""


def background_of(desk: Desk) -> Background | None:
    """What the order puts behind the person; ``None`` where the avatar's frames show nothing there.

    Raises:
        AvatarRejected: the picture that lies beside the source cannot be opened.
    """
    word = desk.order.background
    if word in (TRANSPARENT, VIDEO):
        return None
    if word == BLUR:
        return Blurred()
    if word == PICTURE:
        return Picture(open_photo(desk.load_bytes(BACKDROP)))
    return colour(word)


def dress(desk: Desk, portrait: Portrait, separated: Separated) -> Portrait:
    """Put the background behind the person, and leave the portrait and its matte."""
    dressed, alpha = compose(portrait, separated, background_of(desk))
    write_alpha(desk.part("alpha.png"), alpha)
    save_portrait(desk, DRESSED, dressed)
    return dressed


def _separate(desk: Desk) -> None:
    order = desk.order
    portrait = load_portrait(desk, AS_TAKEN)
    matter = desk.matter or matter_of(order.matting)
    own = order.matting is None if desk.own_transparency is None else desk.own_transparency
    backdrop = Backdrop(None, matter, None, own_transparency=own)
    separated = backdrop.separate(portrait, open_cutout(source_of(desk)))
    desk.progress(0.5)
    save_separated(desk, separated)
    dressed = dress(desk, portrait, separated)
    person = float(separated.alpha.mean())
    desk.used(separated.made_by)
    desk.report({"matte": separated.made_by, "person": round(person, 4), "background": order.background})
    desk.note(matte_line(separated.made_by, person, removed=order.clear))
    if order.clear:
        desk.detail(background="transparent")
    result = _matte(separated) if order.clear else dressed.frame
    pictures = [_alone(separated), shrunk(result, SHOWN)]
    desk.preview(side_by_side(pictures, ("person", "matte" if order.clear else "result")))


def _matte(separated: Separated) -> Image:
    return np.repeat(np.rint(separated.alpha * 255).astype(np.uint8)[..., None], 3, axis=2)


def _alone(separated: Separated) -> Image:
    """The person before a checkerboard, small."""
    colours, alpha = separated.colours, separated.alpha
    if separated.own:
        return shrunk(over_checks(colours, alpha), SHOWN)
    # Shrunk first: to take the old background out of all colours takes long.
    small = np.asarray(cv2.resize(alpha, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA), np.float32)
    return over_checks(own_colours(shrunk(colours, SHOWN), small), small)


BACKGROUND = Stage("background", "Replacing the background", 0.3, _separate)
