"""The seam between the line and whatever draws an avatar's frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import av
import numpy as np
from numpy.typing import NDArray

from streaming.credits import Credits
from streaming.slots import Patch


class Compositor(Protocol):
    """Draws one session's frames of one avatar. Runs in a worker thread, one call at a time.

    Shared parts of the avatar are read-only; every frame is drawn into a buffer of its own.

    Attributes:
        width: of its frames in pixels.
        height: of its frames in pixels.
    """

    width: int
    height: int

    @property
    def position(self) -> int:
        """Where the avatar's loop is, in frames since it began; see :func:`avatars.loop.loop_frame`.

        0 for an avatar that has none. May be read from any thread.
        """
        ...

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        """The frame of slot ``index``.

        Args:
            index: slot index of the session; head motion and blinks follow from it alone. Gaps are allowed.
            patch: what speech wants, or ``None`` when nobody speaks: the mouth then comes to rest
                over a few frames without a jump.

        Returns:
            A new yuv420p frame (BT.601, limited range) of ``width`` x ``height``; pts is left unset.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """A person without what is behind.

    Attributes:
        frame: the person's own colours (straight, not multiplied by alpha) wherever something of the person
            shows, as :meth:`Compositor.compose` gives them; plain grey further away.
        alpha: (height, width) uint8, 255 for all of the person.
    """

    frame: av.VideoFrame
    alpha: NDArray[np.uint8]


@runtime_checkable
class LayeredCompositor(Compositor, Protocol):
    """One that can also draw the person alone."""

    def compose_layers(self, index: int, patch: Patch | None) -> Layers:
        """The person in slot ``index``; in place of :meth:`compose`, as a session is drawn in one way."""
        ...


class CompositorFactory(Protocol):
    """Opens compositors; the avatar's shared parts are loaded once per process."""

    def open(self, avatar: str, seed: int = 0, background: str | None = None) -> Compositor:
        """A compositor for the avatar with this id.

        Args:
            avatar: its id.
            seed: varies blinks and gaze between sessions.
            background: a colour behind a person who has no background; see
                :func:`streaming.compositor.colours.colour`.

        Raises:
            BackgroundRejected: it is no colour, or the avatar has a background.
        """
        ...

    def credits(self, avatar: str) -> Credits:
        """What a film of the avatar with this id says about itself."""
        ...
