"""The one resampling of a frame: the head's motion as a smooth displacement, for luma and chroma alike."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streaming.compositor.planes import Plane, Planes

CELL = 16
"""Luma pixels between two nodes of the displacement grid.

Nodes lie so that ``cv2.resize`` puts node ``k`` at luma pixel ``(k - 0.5) * CELL - 0.5``: half a cell outside
the picture at first. The same nodes, in chroma pixels, are where resizing by half of CELL puts them.
"""

Window = tuple[int, int, int, int]
"""x, y, width, height."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of a frame matters while nothing moves further than so far.

    Attributes:
        windows: in even coordinates.
        reach: in luma pixels.
    """

    windows: tuple[Window, ...]
    reach: float


def motion_nodes(motion: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Move motion fields from their grid (spanning the corner pixels) to the nodes of the warp.

    Args:
        motion: (M, N, N, 2) displacement in pixels.
        width: of the frame in pixels.
        height: of the frame in pixels.

    Returns:
        (M, rows, columns, 2); nodes outside the picture continue the fields in a straight line.
    """
    rows = _interpolation(_positions(height), height, motion.shape[1])
    columns = _interpolation(_positions(width), width, motion.shape[2])
    return np.einsum("ra,cb,mabk->mrck", rows, columns, motion, optimize=True).astype(np.float32)


class Warp:
    """Draws a still with its head moved. Holds scratch buffers: one per session, not for two threads at once.

    Args:
        motion: (M, rows, columns, 2) from :func:`motion_nodes`.
        width: of the frame in pixels.
        height: of the frame in pixels.
    """

    def __init__(self, motion: NDArray[np.float32], width: int, height: int) -> None:
        self._fields = motion.reshape(len(motion), -1)
        rows, columns = motion.shape[1:3]
        x, y = np.meshgrid(_positions(width), _positions(height))
        self._base = np.stack([x, y], axis=-1).astype(np.float32)
        self._nodes = np.empty_like(self._base)
        self._luma = np.empty((rows * CELL, columns * CELL, 2), np.float32)
        self._chroma = np.empty((rows * CELL // 2, columns * CELL // 2, 2), np.float32)
        self._luma_map = self._luma[CELL : CELL + height, CELL : CELL + width]
        half = CELL // 2
        self._chroma_map = self._chroma[half : half + height // 2, half : half + width // 2]

    def draw(
        self,
        source: Planes,
        coefficients: NDArray[np.float32],
        target: Planes,
        part: Part | None = None,
    ) -> None:
        """Resample ``source`` into ``target``.

        Args:
            source: the composed still.
            coefficients: (M,) one per motion field.
            target: receives the frame.
            part: what has to be written of it; all when not given.
        """
        # Backward map: what appears at a place was displaced to it.
        # einsum, as a matrix product this small would wake BLAS threads that other sessions need.
        np.einsum("m,mk->k", coefficients, self._fields, out=self._nodes.reshape(-1))
        windows = ((0, 0, *target.y.shape[::-1]),)
        if part is not None and np.abs(self._nodes).max() <= part.reach:
            windows = part.windows
        np.subtract(self._base, self._nodes, out=self._nodes)
        cv2.resize(self._nodes, self._luma.shape[1::-1], dst=self._luma, interpolation=cv2.INTER_LINEAR)
        for x, y, w, h in windows:
            place = np.s_[y : y + h, x : x + w]
            _resample(source.y, self._luma_map[place], target.y[place])
        # A chroma sample at c sits between the luma pixels 2c and 2c + 1.
        self._nodes -= 0.5
        self._nodes *= 0.5
        cv2.resize(self._nodes, self._chroma.shape[1::-1], dst=self._chroma, interpolation=cv2.INTER_LINEAR)
        for x, y, w, h in windows:
            place = np.s_[y // 2 : (y + h) // 2, x // 2 : (x + w) // 2]
            _resample(source.u, self._chroma_map[place], target.u[place])
            _resample(source.v, self._chroma_map[place], target.v[place])

    @property
    def reach(self) -> float:
        """The longest way in luma pixels that the last draw moved anything."""
        # What drawing leaves in the nodes are chroma coordinates.
        return float(np.abs(self._nodes * 2 + 0.5 - self._base).max())

    def draw_again(self, source: Plane, target: Plane, window: Window | None = None) -> None:
        """Resample another plane as the last draw did.

        Args:
            source: (height, width) of luma's size.
            target: receives it.
            window: x, y, width, height of what is written; all of it when not given.
        """
        x, y, width, height = window or (0, 0, target.shape[1], target.shape[0])
        place = np.s_[y : y + height, x : x + width]
        _resample(source, self._luma_map[place], target[place])


def _resample(source: NDArray[np.uint8], where: NDArray[np.float32], target: NDArray[np.uint8]) -> None:
    cv2.remap(source, where, None, cv2.INTER_LINEAR, dst=target, borderMode=cv2.BORDER_REPLICATE)  # pyright: ignore[reportCallIssue, reportArgumentType]


def _positions(size: int) -> NDArray[np.float32]:
    """Luma coordinates of the nodes along one side."""
    nodes = -(-size // CELL) + 2
    return ((np.arange(nodes) - 0.5) * CELL - 0.5).astype(np.float32)


def _interpolation(positions: NDArray[np.float32], size: int, points: int) -> NDArray[np.float32]:
    """Matrix (positions, points) that reads a grid spanning pixels 0..size-1 at these places, linearly."""
    where = positions * (points - 1) / (size - 1)
    left = np.clip(np.floor(where).astype(int), 0, points - 2)
    part = where - left
    matrix = np.zeros((len(positions), points), np.float32)
    matrix[np.arange(len(positions)), left] = 1 - part
    matrix[np.arange(len(positions)), left + 1] = part
    return matrix
