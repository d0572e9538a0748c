"""Draws mouths of an atlas into the frames of a loop in which the head moves.

The skin that a mouth moves (jaw, cheeks, the lips' surroundings) is the frame's own, resampled as the mouth
moves it: light, beard and grain stay what they are. On top of it come the atlas's lips, and what is between
them, where the frame has its lips, in the frame's light. See :mod:`avatars.heads`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streaming.compositor.easing import REST_POSE, MouthPose
from streaming.compositor.loop_mouth_assets import LoopMouthAssets
from streaming.compositor.mouth import MouthLookup, MouthPainter
from streaming.compositor.planes import Plane, Planes

CELL = 4
"""Luma pixels between two nodes of a region, at which it is worked out what comes from where.

Nodes lie so that ``cv2.resize`` puts node ``k`` at luma pixel ``(k - 0.5) * CELL - 0.5`` of the region; the
same nodes, in chroma pixels, are where resizing by half of CELL puts them.
"""
LEAST_MOVE = 0.08
"""Pixels; skin that moves less is left as it is."""
ROUNDS = 2
BELOW = 0.06
"""Eye spans below the middle of the mouth from which on everything belongs to the jaw."""
BLACK = 16.0
"""Luma of black, which no light makes brighter."""

Floats = NDArray[np.float32]


class _Part(NamedTuple):
    """Nodes of a region, and the pixels that they tell about."""

    nodes: tuple[slice, slice]
    offset: tuple[int, int]
    """Of the first pixel (x, y) in what is resized from the nodes."""
    rect: tuple[int, int, int, int]
    """x, y, width, height in the region, even."""


class LoopMouth:
    """Draws one session's mouths. Holds scratch buffers: not for two threads at once.

    Args:
        assets: the avatar's, only read.
    """

    def __init__(self, assets: LoopMouthAssets) -> None:
        self._assets = assets
        self._painter = MouthPainter(assets.atlas)
        self._moves = MouthLookup(assets.moves)
        width, height = assets.size
        self._x = _positions(width)
        self._y = _positions(height)
        # Places of nodes in the mouth's rectangle of the atlas, in its pixels.
        self._where = np.empty((len(self._y), len(self._x), 2), np.float32)
        _, y, w, h = assets.rect
        rows, columns = assets.grid
        # As cv2 takes one number for each channel.
        self._to_grid = ((columns - 1) / max(1, w - 1), (rows - 1) / max(1, h - 1), 0.0, 0.0)
        self._cut = np.float32(assets.atlas.mouth_rect[1] - y)
        self._rest = np.array(self._moves.find(REST_POSE))

    def draw(self, frame: int, pose: MouthPose, weight: float, source: Planes, target: Planes) -> None:
        """Draw a mouth.

        Args:
            frame: of the loop.
            pose: of the mouth.
            weight: how much of it shows, 0..1; with 0 the frame is as it was.
            source: planes of the frame; only read.
            target: planes that hold the same, and receive the mouth.
        """
        if weight <= 0:
            return
        assets = self._assets
        left, top = assets.corners[frame]
        self._find(frame, left, top)
        moves = self._at(self._moves.find(pose), self._where)
        own = assets.owns[frame]
        skin = moves if own.aperture == 0 else self._from_open(own, moves)
        self._move_skin(frame, skin, weight, source, target)
        self._draw_lips(frame, pose, moves, weight, target)

    def _find(self, frame: int, left: int, top: int) -> None:
        """Where in the mouth's rectangle each node shows, by the frame's polynomial."""
        assets = self._assets
        cx, cy = assets.centres[frame]
        x, y = (self._x + (left - cx)) / assets.unit, (self._y + (top - cy)) / assets.unit
        for axis, (one, by_x, by_y, by_xx, by_xy, by_yy) in enumerate(assets.maps[frame]):
            shift = one * assets.unit + assets.origin[axis] - assets.rect[axis]
            across = (by_x * x + by_xx * x * x) * assets.unit + shift
            along = (by_y * y + by_yy * y * y) * assets.unit
            np.multiply.outer(y, x * (by_xy * assets.unit), out=self._where[..., axis])
            self._where[..., axis] += across
            self._where[..., axis] += along[:, None]

    def _from_open(self, own: MouthPose, moves: Floats) -> Floats:
        """The moves where the frame's own mouth is open: from what that has moved already.

        What is wanted at a node was at some place of the reference, and is now at another one of the frame,
        which its own mouth has moved it to. That place is looked for in rounds.
        """
        assets = self._assets
        opened = self._moves.find(own) - self._rest
        wanted = self._where + moves
        # What lies below the lips is looked for from below: between open lips it would be lost.
        drop = -assets.unit * float(opened[0, 1::2].min())
        below = (wanted[..., 1] - np.float32(assets.origin[1] - assets.rect[1])) / (BELOW * assets.unit)
        there = wanted.copy()
        there[..., 1] += np.float32(drop) * np.clip(below, 0, 1)
        for _ in range(ROUNDS):
            there = wanted - self._at(opened, there)
        return there - self._where

    def _at(self, moves: NDArray[Any], places: Floats) -> Floats:
        """A move of the atlas at places of its rectangle, in pixels; none beyond."""
        rows, columns = self._assets.grid
        found = cv2.remap(
            moves.reshape(rows, columns, 2),
            cv2.multiply(places, self._to_grid),  # pyright: ignore[reportCallIssue, reportArgumentType]
            None,  # pyright: ignore[reportCallIssue, reportArgumentType]
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )
        found *= self._assets.unit
        return np.asarray(found, np.float32)

    def _move_skin(self, frame: int, moves: Floats, weight: float, source: Planes, target: Planes) -> None:
        there = np.asarray(cv2.transform(moves, self._assets.back[frame] * np.float32(weight)), np.float32)
        across, along = there[..., 0], there[..., 1]
        part = self._part(across * across + along * along > LEAST_MOVE**2)
        if part is None:
            return
        left, top = self._assets.corners[frame]
        there = there[part.nodes]
        rows, columns = part.nodes
        there[..., 0] += self._x[columns] + np.float32(left)
        there[..., 1] += self._y[rows][:, None] + np.float32(top)
        x, y, width, height = part.rect
        window = target.window(left + x, top + y, width, height)
        _resample(source.y, _spread(there, CELL, part), window.y, cv2.INTER_CUBIC)
        there -= 0.5
        there *= 0.5
        chroma = _spread(there, CELL // 2, part)
        _resample(source.u, chroma, window.u)
        _resample(source.v, chroma, window.v)

    def _draw_lips(self, frame: int, pose: MouthPose, moves: Floats, weight: float, target: Planes) -> None:
        assets = self._assets
        place = self._where
        place[..., 1] -= self._cut
        shown = cv2.remap(
            assets.lips,
            place + moves,
            None,  # pyright: ignore[reportCallIssue, reportArgumentType]
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )
        part = self._part(shown > 0)
        if part is None:
            return
        left, top = assets.corners[frame]
        x, y, width, height = part.rect
        window = target.window(left + x, top + y, width, height)
        lips = self._painter.picture(pose)
        alpha = shown[part.nodes].astype(np.float32)
        alpha *= np.float32(weight / 255)
        where = place[part.nodes]
        light = self._light(frame, left + x, top + y, width, height)
        full, half = _spread(alpha, CELL, part), _spread(alpha, CELL // 2, part)
        drawn = _look_up(lips.y, _spread(where, CELL, part))
        drawn -= BLACK
        drawn *= light[0]
        drawn += BLACK
        _blend(drawn, full, window.y)
        where -= 0.5
        where *= 0.5
        chroma = _spread(where, CELL // 2, part)
        for plane, offset, into in ((lips.u, light[1], window.u), (lips.v, light[2], window.v)):
            drawn = _look_up(plane, chroma)
            drawn += offset
            _blend(drawn, half, into)

    def _light(
        self, frame: int, left: int, top: int, width: int, height: int
    ) -> tuple[Floats, Floats, Floats]:
        """Factor of luma, and offsets of both chromas, at the pixels of each plane."""
        assets = self._assets
        cx, cy = assets.centres[frame]
        x = (np.arange(width, dtype=np.float32) + np.float32(left - cx)) / np.float32(assets.unit)
        y = (np.arange(height, dtype=np.float32) + np.float32(top - cy)) / np.float32(assets.unit)
        luma, *chroma = assets.light[frame]
        half_x, half_y = (x[::2] + x[1::2]) / 2, (y[::2] + y[1::2]) / 2
        first, second = (_slope(terms, half_x, half_y) for terms in chroma)
        return _slope(luma, x, y), first, second

    def _part(self, active: NDArray[np.bool_]) -> _Part | None:
        """The smallest part around all active nodes; ``None`` when there are none."""
        across, along = np.flatnonzero(active.any(axis=0)), np.flatnonzero(active.any(axis=1))
        if not len(across):
            return None
        columns, offset_x, x, width = _range(across, len(self._x), self._assets.size[0])
        rows, offset_y, y, height = _range(along, len(self._y), self._assets.size[1])
        if width <= 0 or height <= 0:
            return None
        return _Part((rows, columns), (offset_x, offset_y), (x, y, width, height))


def _slope(terms: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> Floats:
    """What one of :attr:`avatars.heads.MovingHeads.light` is at columns ``x`` and rows ``y``."""
    return np.add.outer(terms[2] * y + terms[0], terms[1] * x, dtype=np.float32)


def _range(active: NDArray[np.intp], nodes: int, size: int) -> tuple[slice, int, int, int]:
    """Nodes with one more on either side; the first pixel in what they are spread to; first pixel, length."""
    first, last = max(0, int(active[0]) - 1), min(nodes - 1, int(active[-1]) + 1)
    begin = (first - 1) * CELL
    # Beyond the middle of the first and the last of them, nothing is known of places.
    low, high = max(0, first * CELL - CELL // 2), min(size, last * CELL - CELL // 2)
    return slice(first, last + 1), low - begin, low, high - low


def _positions(size: int) -> Floats:
    """Luma coordinates of the nodes along one side of a region."""
    nodes = -(-size // CELL) + 2
    return ((np.arange(nodes) - 0.5) * CELL - 0.5).astype(np.float32)


def _spread(nodes: Floats, cell: int, part: _Part) -> Floats:
    """Values of nodes at the pixels of a part, ``cell`` to a node."""
    rows, columns = nodes.shape[:2]
    wide = cv2.resize(nodes, (columns * cell, rows * cell), interpolation=cv2.INTER_LINEAR)
    x, y = (n * cell // CELL for n in part.offset)
    width, height = (n * cell // CELL for n in part.rect[2:])
    return np.asarray(wide[y : y + height, x : x + width], np.float32)


def _resample(source: Plane, where: Floats, target: Plane, method: int = cv2.INTER_LINEAR) -> None:
    cv2.remap(source, where, None, method, dst=target, borderMode=cv2.BORDER_REPLICATE)  # pyright: ignore[reportCallIssue, reportArgumentType]


def _look_up(source: Plane, where: Floats) -> Floats:
    found = cv2.remap(source, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return found.astype(np.float32)


def _blend(drawn: Floats, alpha: Floats, target: Plane) -> None:
    """``target`` with as much of ``drawn`` as ``alpha`` says, 0..1; ``drawn`` is lost."""
    drawn -= target
    drawn *= alpha
    drawn += target
    drawn += 0.5
    np.clip(drawn, 0, 255, out=drawn)
    np.copyto(target, drawn, casting="unsafe")
