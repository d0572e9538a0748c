"""Compositors whose frames carry a mark."""

from __future__ import annotations

import threading

import av

from streaming.compositor.base import Compositor, CompositorFactory, LayeredCompositor, Layers
from streaming.compositor.mark import Mark, mark_of
from streaming.compositor.planes import frame_planes
from streaming.credits import Credits
from streaming.slots import Patch


class MarkedCompositors:
    """Implements :class:`streaming.compositor.base.CompositorFactory`: another one's frames, with a mark.

    Args:
        compositors: the other one.
        text: of the mark.
        font: see :func:`streaming.compositor.mark.mark_of`.
    """

    def __init__(self, compositors: CompositorFactory, text: str, font: str = "") -> None:
        self._compositors = compositors
        self._text = text
        self._font = font
        self._lock = threading.Lock()
        # Sizes are few, and marks are small.
        self._marks: dict[tuple[int, int], Mark] = {}

    def open(self, avatar: str, seed: int = 0, background: str | None = None) -> Compositor:
        """As the other one opens it."""
        compositor = self._compositors.open(avatar, seed, background)
        size = compositor.width, compositor.height
        with self._lock:
            mark = self._marks.get(size)
            if mark is None:
                mark = self._marks[size] = mark_of(self._text, *size, self._font)
        if isinstance(compositor, LayeredCompositor):
            return MarkedLayers(compositor, mark)
        return MarkedCompositor(compositor, mark)

    def credits(self, avatar: str) -> Credits:
        """As the other one knows them."""
        return self._compositors.credits(avatar)


def marked(compositors: CompositorFactory, text: str, font: str = "") -> CompositorFactory:
    """The same compositors, with a mark in their frames if there is a text for it."""
    return MarkedCompositors(compositors, text, font) if text else compositors


class MarkedCompositor:
    """Implements :class:`streaming.compositor.base.Compositor`.

    Args:
        compositor: whose frames are marked.
        mark: of their size.
    """

    def __init__(self, compositor: Compositor, mark: Mark) -> None:
        self.width = compositor.width
        self.height = compositor.height
        self._compositor = compositor
        self._mark = mark

    @property
    def position(self) -> int:
        """Of the other one."""
        return self._compositor.position

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        """The other one's frame of a slot, marked."""
        frame = self._compositor.compose(index, patch)
        self._mark.draw(frame_planes(frame))
        return frame


class MarkedLayers(MarkedCompositor):
    """Implements :class:`streaming.compositor.base.LayeredCompositor`, too.

    Args:
        compositor: whose frames are marked.
        mark: of their size.
    """

    def __init__(self, compositor: LayeredCompositor, mark: Mark) -> None:
        super().__init__(compositor, mark)
        self._layered = compositor

    def compose_layers(self, index: int, patch: Patch | None) -> Layers:
        """The person alone with the mark, which is seen where nothing else is."""
        layers = self._layered.compose_layers(index, patch)
        self._mark.draw_alone(frame_planes(layers.frame), layers.alpha)
        return layers
