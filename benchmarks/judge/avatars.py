"""Who is judged: every avatar that comes with the program, and one made from a user's photograph."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from skimage.data import astronaut

from avatars.store import BUILTIN_ROOT, AvatarStore
from precompute.create import create_avatar

PHOTO = "astronaut"
"""The photograph that comes with scikit-image."""


def avatar_names() -> tuple[str, ...]:
    """Ids of all that are judged."""
    builtin = sorted(path.parent.name for path in BUILTIN_ROOT.glob("*/avatar.json"))
    return (*builtin, PHOTO)


@contextmanager
def avatars_on_disk(names: Sequence[str]) -> Iterator[Path]:
    """A store's folder with those of the avatars that have to be made first."""
    with tempfile.TemporaryDirectory() as folder:
        if PHOTO in names:
            photo = cv2.imencode(".png", np.ascontiguousarray(astronaut()[..., ::-1]))[1].tobytes()
            create_avatar(photo, PHOTO, AvatarStore(Path(folder)))
        yield Path(folder)
