"""The first stage of a photo: open it."""

from __future__ import annotations

from precompute.photo_about import about_photo
from precompute.stages.base import Desk, Stage
from precompute.stages.keeping import photo_of, source_of


def _open(desk: Desk) -> None:
    picture = photo_of(desk)
    height, width = picture.shape[:2]
    desk.report(about_photo(source_of(desk), width, height))
    desk.preview(picture)


OPEN = Stage("open", "Opening the photo", 0.03, _open)
