"""The frames of an avatar, one after the other, as often as they are wanted; never all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from avatars.bundle import Bundle
from avatars.errors import BundleInvalid

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Frames:
    """Where frames come from.

    Attributes:
        count: how many there are.
        width: of each in pixels.
        height: of each in pixels.
        read: begins anew; gives (height, width, 3) BGR pictures.
    """

    count: int
    width: int
    height: int
    read: Callable[[], Iterator[Image]]


def loop_frames(bundle: Bundle) -> Frames:
    """The frames of an avatar's idle loop.

    Reading them raises :class:`BundleInvalid` when the video cannot be decoded, or is not what the manifest
    tells of it.
    """
    manifest, path = bundle.manifest, bundle.part("idle.mp4")

    def read() -> Iterator[Image]:
        found = 0
        for picture in _decode(path, bundle.id):
            if picture.shape != (manifest.height, manifest.width, 3):
                size = f"{picture.shape[1]} x {picture.shape[0]}"
                raise _unlike(bundle.id, f"frame {found} has {size} pixels")
            found += 1
            if found > manifest.frames:
                break
            yield picture
        if found != manifest.frames:
            raise _unlike(bundle.id, f"it has {found if found < manifest.frames else 'more'} frames")

    return Frames(manifest.frames, manifest.width, manifest.height, read)


def _decode(path: Path, avatar: str) -> Iterator[Image]:
    try:
        with av.open(str(path), format="mp4") as container:
            for frame in container.decode(video=0):
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    except (FFmpegError, IndexError, ValueError) as error:
        raise BundleInvalid(
            f"The idle loop of '{avatar}' cannot be decoded ({error}). Get a whole copy of the avatar."
        ) from error


def _unlike(avatar: str, found: str) -> BundleInvalid:
    return BundleInvalid(
        f"The idle loop of '{avatar}' is not as its avatar.json says: {found}. Create the avatar again."
    )
