"""Small avatars that have all that every avatar has, and files of them."""

import io
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from avatars.archive import export_avatar
from avatars.atlas_file import save_atlas
from avatars.bundle import Bundle, BundleWriter
from avatars.store import AvatarStore
from tests.support.atlas import HEIGHT, WIDTH, small_atlas
from tests.support.bundles import details
from tests.support.musetalk_part import write_loop


@cache
def _media() -> tuple[bytes, bytes]:
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    poster = cv2.imencode(".webp", picture)[1].tobytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "idle.mp4")
        write_loop(path, [picture, picture])
        return poster, path.read_bytes()


def whole_bundle(root: Path, avatar: str = "ada", **changes) -> Bundle:
    """Write a bundle with the small atlas, a poster and a loop."""
    poster, idle = _media()
    with BundleWriter(root) as writer:
        save_atlas(writer.path("atlas.npz"), small_atlas())
        writer.path("poster.webp").write_bytes(poster)
        writer.path("idle.mp4").write_bytes(idle)
        return writer.commit(details(avatar, **({"frames": 2} | changes)))


def archive_of(store: AvatarStore, avatar: str = "ada") -> bytes:
    """The avatar as one file."""
    return b"".join(export_avatar(store, avatar).chunks())


def members(data: bytes) -> dict[str, bytes]:
    """What is in a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_of(parts: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Another zip, as other programs write them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()
