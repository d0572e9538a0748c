"""A frame that waits to be drawn, and whose face it shows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avatars.manifest import LoopKind
from avatars.musetalk import MuseTalkPart
from streaming.face.base import FaceNews, FaceRequest, PromisedPatch
from streaming.face.musetalk.windows import Window
from streaming.playhead import Playhead
from streaming.slots import FacePixels, Patch

if TYPE_CHECKING:
    from torch import Tensor  # pyright: ignore[reportMissingImports]

Rect = tuple[int, int, int, int]


class Face:
    """An avatar's part, and what of it lies on the card; shared by all its utterances.

    Args:
        part: of the avatar.
        loop: how its frames go on at their end.
    """

    def __init__(self, part: MuseTalkPart, loop: LoopKind = "mirrored") -> None:
        self.part = part
        self.loop: LoopKind = loop
        self.frames = part.frames
        self.number = part.number
        x, y, width, height = (int(n) for n in part.patch_rect)
        self.rect: Rect = (x, y, width, height)
        self.latents: Any = None
        """(N, 8, 32, 32) on the device; put there on the compute thread when a frame is first drawn."""


class Orders:
    """What the frames of one utterance have in common.

    Args:
        request: of the utterance.
        playhead: says when its frames are needed.
        face: whose.
        decoder: what makes pictures of latents.
    """

    def __init__(self, request: FaceRequest, playhead: Playhead, face: Face, decoder: str) -> None:
        self.face = face
        self.decoder = decoder
        self.closed = False
        """Nobody wants the rest; set on the event loop, read on the compute thread."""
        self.playhead = playhead
        self._on_news = request.on_news
        self._loop = asyncio.get_running_loop()
        self._told: set[FaceNews] = set()

    def promise(self) -> PromisedPatch:
        """A patch to come."""
        return self._loop.create_future()

    def deliver(self, promise: PromisedPatch, patch: Patch) -> None:
        """Keep a promise; on any thread."""
        self._call(_keep, promise, patch)

    def tell(self, code: FaceNews, engine: str, message: str) -> None:
        """Tell who listens to the utterance, once of each kind; on any thread."""
        if code not in self._told and self._on_news is not None:
            self._told.add(code)
            self._call(self._on_news, code, engine, message)

    def _call(self, function: Any, *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            # The event loop has ended, and who listened with it.
            self.closed = True


@dataclass(slots=True, eq=False)
class Frame:
    """A frame that waits to be drawn.

    Attributes:
        orders: of its utterance.
        number: in its utterance, which says when it is due.
        place: which frame of the avatar's loop it shows.
        sound: the window whose features it is drawn from.
        row: its own among the window's frames.
        promise: takes the patch.
        energy: of the voice in it, 0..1.
        brow: how far the brows are raised, 0..1.
        first: nothing of the utterance was drawn before it.
    """

    orders: Orders
    number: int
    place: int
    sound: Sound
    row: int
    promise: PromisedPatch
    energy: float
    brow: float
    first: bool

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits for it."""
        return not (self.orders.closed or self.promise.cancelled())

    def patch(self, pixels: bytes | None) -> FacePixels:
        """What becomes of it; without pixels the avatar's own mouth is shown."""
        number = self.orders.face.number
        return FacePixels(self.place, pixels or b"", self.energy, self.brow, number)


@dataclass(slots=True, eq=False)
class Sound:
    """A window of sound, and its features once they are there.

    Attributes:
        window: as it was cut.
        features: (frames, 50, 384) on the device.
    """

    window: Window
    features: Tensor | None = None


def _keep(promise: PromisedPatch, patch: Patch) -> None:
    if not promise.done():
        promise.set_result(patch)
