"""Small bundles for tests."""

from datetime import UTC, datetime
from pathlib import Path

from avatars.atlas_file import save_atlas
from avatars.bundle import Bundle, BundleWriter
from avatars.manifest import AvatarDetails, PartName
from tests.support.atlas import HEIGHT, WIDTH, small_atlas


def details(avatar: str = "ada", **changes) -> AvatarDetails:
    """What the maker of a small avatar says."""
    fields = {
        "id": avatar,
        "name": avatar.title(),
        "width": WIDTH,
        "height": HEIGHT,
        "fps": 25,
        "frames": 1,
        "created": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return AvatarDetails.model_validate(fields | changes)


def small_bundle(root: Path, avatar: str = "ada", **changes) -> Bundle:
    """Write a bundle with the small atlas and a poster."""
    with BundleWriter(root) as writer:
        save_atlas(writer.path("atlas.npz"), small_atlas(**changes))
        writer.path("poster.webp").write_bytes(b"poster")
        return writer.commit(details(avatar))


def bundle_with(root: Path, avatar: str, files: dict[PartName, bytes], **changes) -> Bundle:
    """Write a bundle with the small atlas and further parts of any bytes."""
    with BundleWriter(root) as writer:
        save_atlas(writer.path("atlas.npz"), small_atlas())
        for name, data in files.items():
            writer.path(name).write_bytes(data)
        return writer.commit(details(avatar, **changes))
