"""What is behind a person who has no background: a colour, or a film."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from avatars.errors import BundleInvalid
from avatars.manifest import Manifest
from streaming.compositor.colours import Yuv
from streaming.compositor.loop import MAX_LOOP_BYTES, LoopFrames, open_film
from streaming.compositor.planes import Plane, Planes, packed_size, unpack


class Behind(Protocol):
    """The background of one avatar; shared, never written."""

    @property
    def whole(self) -> bool:
        """Whether nothing has to be waited for."""
        ...

    def at(self, index: int) -> Planes | Yuv:
        """What is behind in slot ``index``: planes of the whole frame, or one colour."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """One colour."""

    yuv: Yuv
    whole = True

    def at(self, index: int) -> Yuv:
        """The colour."""
        return self.yuv


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Film:
    """A film that begins again at its end; it goes on by the slots, whatever the person does.

    Attributes:
        width: in pixels.
        height: in pixels.
        frames: (N, packed_size) read-only; perhaps some are still being decoded.
    """

    width: int
    height: int
    frames: Plane | LoopFrames

    @property
    def whole(self) -> bool:
        """Whether no frame has to be waited for."""
        return not isinstance(self.frames, LoopFrames) or self.frames.whole

    def at(self, index: int) -> Planes:
        """The frame of a slot."""
        return unpack(self.frames[index % len(self.frames)], self.width, self.height)


def load_film(path: Path, manifest: Manifest) -> Film:
    """Open ``backdrop.mp4``; its first frame is there then, the others follow.

    Raises:
        BundleInvalid: it is damaged, too large, or does not fit the avatar.
    """
    size = manifest.width, manifest.height
    stream, decoded = open_film(path, manifest.id)
    if stream.frames < 1:
        raise BundleInvalid(f"backdrop.mp4 of '{manifest.id}' is damaged. Get a whole copy.")
    if stream.frames * packed_size(*size) > MAX_LOOP_BYTES:
        raise BundleInvalid(
            f"backdrop.mp4 of '{manifest.id}' takes more than {MAX_LOOP_BYTES // 10**6} MB when it is "
            "played. Create the avatar again with a shorter one."
        )
    return Film(*size, LoopFrames(manifest.id, size, stream.frames, decoded))
