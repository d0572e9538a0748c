"""A labelled sheet of an atlas's mouths and eyes, to judge an avatar at a glance."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.atlas import MouthAtlas

Image = NDArray[np.uint8]

COLUMNS = 4
TILE = 360
LABEL = 190
"""Grey that a picture gets behind words, three quarters of what is seen there."""
SHOWN_SPAN = 1.35
"""Side of a tile in heights of the face mesh."""

_MOUTHS = (
    ("s .16 +.4", 0.16, 0.4), ("ee .25 +1", 0.25, 1.0), ("eh .45 +.4", 0.45, 0.4), ("ae .70 +.4", 0.70, 0.4),
    ("aa 1", 1.0, 0.0), ("uh .45", 0.45, 0.0), ("oh .55 -.6", 0.55, -0.6), ("oo .30 -1", 0.30, -1.0),
)  # fmt: skip


def contact_sheet(
    atlas: MouthAtlas, extra: Sequence[Image] = (), alpha: NDArray[np.float32] | None = None
) -> Image:
    """Twelve mouth shapes and the eyes on the still.

    Mouths are the nearest pictures of the atlas, not blends.

    Args:
        atlas: of the avatar.
        extra: further tiles, (TILE, TILE, 3), which go into a row of their own.
        alpha: (H, W) matte, 0..1, of an avatar without a background; what is behind is white then.

    Returns:
        (H, W, 3) BGR; rows of four tiles.
    """
    middle = int(np.abs(atlas.press_widths).argmin())

    def tile(text: str, mouth: Image | None = None, eyes: Image | None = None) -> Image:
        return _tile(atlas, text, mouth, eyes, alpha)

    tiles = [
        tile("rest"),
        tile("press", mouth=atlas.press[-1, middle]),
        tile("bite", mouth=atlas.bite[-1, int(np.abs(atlas.bite_widths).argmin())]),
    ]
    if len(atlas.tongue_levels):
        tiles.append(tile("tongue", mouth=atlas.tongue[-1]))
    for text, aperture, width in _MOUTHS:
        a = int(np.abs(atlas.apertures - aperture).argmin())
        w = int(np.abs(atlas.widths - width).argmin())
        tiles.append(tile(text, mouth=atlas.mouths[a, w]))
    for i, lid in enumerate(atlas.lids[1:], start=1):
        if (atlas.eyes[i, 0] == atlas.eyes[0, 0]).all():
            # Of a video, whose eyes are not drawn.
            continue
        tiles.append(tile(f"lid {lid:.2f}", eyes=atlas.eyes[i, 0]))
    for i, (x, y) in enumerate(atlas.gazes[1:], start=1):
        tiles.append(tile(f"gaze {x:+.0f} {y:+.0f}", eyes=atlas.eyes[0, i]))
    return tiled([*tiles, *[np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS), *extra])


def tiled(tiles: Sequence[Image]) -> Image:
    """Tiles of one size in rows of four; what is missing in the last row is black."""
    full = [*tiles, *[np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)]
    rows = [np.hstack(full[i : i + COLUMNS]) for i in range(0, len(full), COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def label(picture: Image, text: str, size: float = 0.6) -> Image:
    """Write a few words into the corner of a tile, in place; ``size`` is OpenCV's scale of a font."""
    margin = round(8 * size / 0.6)
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    corner = picture[: height + below + margin, : width + 2 * margin]
    corner[:] = corner // 4 + LABEL
    place = margin, height + margin // 2
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
    return picture


def _tile(
    atlas: MouthAtlas,
    text: str,
    mouth: Image | None,
    eyes: Image | None,
    alpha: NDArray[np.float32] | None,
) -> Image:
    picture = atlas.still.copy()
    for rect, patch in ((atlas.mouth_rect, mouth), (atlas.eye_rect, eyes)):
        if patch is not None:
            x, y, w, h = (int(v) for v in rect)
            picture[y : y + h, x : x + w] = patch
    if alpha is not None:
        share = alpha[..., None]
        picture = (picture * share + 255 * (1 - share) + 0.5).astype(np.uint8)
    low, high = atlas.landmarks.min(axis=0), atlas.landmarks.max(axis=0)
    half = float(high[1] - low[1]) * SHOWN_SPAN / 2
    centre = (low + high) / 2
    x0, y0 = np.clip((centre - half).astype(int), 0, None)
    x1, y1 = (centre + half).astype(int)
    part = cv2.resize(picture[y0:y1, x0:x1], (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    return label(np.asarray(part, np.uint8), text)
