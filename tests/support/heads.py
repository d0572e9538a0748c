"""Moving heads for the small made-up atlas: the mouth wanders over the frame, and what it moves is plain."""

from pathlib import Path
from typing import Any

import numpy as np

from avatars.atlas_file import save_atlas
from avatars.bundle import Bundle, BundleWriter
from avatars.heads import MovingHeads
from avatars.heads_file import save_heads
from tests.support.atlas import HEIGHT, MOUTH, WIDTH, small_atlas
from tests.support.bundles import details
from tests.support.loops import write_loop

MIDDLE = (MOUTH[0] + MOUTH[2] / 2, MOUTH[1] + MOUTH[3] / 2)
ROWS, COLUMNS = 5, 7
SOFT = 8.0
"""Pixels over which the lips end."""
UNIT = 48.0
"""Eye span of the small atlas."""


def small_heads(count: int = 12, step: float = 0.5, **changes: Any) -> MovingHeads:
    """Frame ``n`` has the mouth ``n * step`` pixels to the right of the reference's, frame 0.

    A mouth of aperture 1 shows everywhere what was 6 pixels higher; lips fill its middle, softly.
    """
    _, _, w, h = MOUTH
    rim = np.minimum(*np.meshgrid(*(np.minimum(np.arange(n), n - 1 - np.arange(n)) for n in (w, h))))
    lips = np.rint(255 * np.clip((rim - 1) / SOFT, 0, 1)).astype(np.uint8)
    centres = np.array([(MIDDLE[0] + step * n, MIDDLE[1]) for n in range(count)], np.float32)
    maps = np.zeros((count, 2, 6), np.float32)
    maps[:, 0, 1] = maps[:, 1, 2] = 1
    light = np.zeros((count, 3, 3), np.float32)
    light[:, 0, 0] = 1
    moves = np.zeros((3, 3, ROWS, COLUMNS, 2), np.float32)
    moves[1, :, 1:-1, 1:-1, 1] = -3 / UNIT
    moves[2, :, 1:-1, 1:-1, 1] = -6 / UNIT
    fields = {
        "reference": np.array([0], np.int32),
        "centres": centres,
        "maps": maps,
        "light": light,
        "opened": np.zeros(count, np.float32),
        "lips": lips,
        "moves": moves,
        "press_moves": np.zeros((2, 1, ROWS, COLUMNS, 2), np.float32),
        "bite_moves": np.zeros((1, 2, ROWS, COLUMNS, 2), np.float32),
        "tongue_moves": np.zeros((2, ROWS, COLUMNS, 2), np.float32),
    }
    return MovingHeads(**(fields | changes))


def talking_bundle(root: Path, avatar: str = "tess", count: int = 12, **changes) -> Bundle:
    """An avatar of a video that has mouths for the loop's moving head."""
    atlas = small_atlas()
    with BundleWriter(root) as writer:
        write_loop(writer.path("idle.mp4"), count)
        save_atlas(writer.path("atlas.npz"), atlas)
        save_heads(writer.path("heads.npz"), small_heads(count), atlas)
        fields = {"frames": count, "engines": ("atlas",), "width": WIDTH, "height": HEIGHT}
        return writer.commit(details(avatar, **(fields | changes)))
