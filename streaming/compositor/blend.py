"""Draws a patch over a frame: resampled once, straight to where it shows, and blended in fixed point.

``drawn * alpha + under * (256 - alpha)`` with alpha in 0..256 fits into 16 bits, and so does the half
that rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.compositor.place import Place, warp
from streaming.compositor.planes import Plane, Planes, packed_size, unpack

Sums = NDArray[np.uint16]

OPAQUE = 256
"""Alpha of what hides all that is under it."""
HALF = 128


@dataclass(frozen=True, slots=True, eq=False)
class Underlay:
    """A background that never changes, with the part of the blend that depends on it alone. Read-only.

    Attributes:
        place: where patches go.
        alpha: (n,) 0..256 for the packed region.
        rest: (n,) background x (256 - alpha), and the half that rounds.
    """

    place: Place
    alpha: Sums
    rest: Sums


def underlay(place: Place, background: Planes) -> Underlay:
    """Prepare a background.

    Args:
        place: where patches will go.
        background: of the whole frame.
    """
    alpha, rest = (np.empty(packed_size(*place.rect[2:]), np.uint16) for _ in range(2))
    _expand(place, alpha)
    _gather(background.window(*place.rect), rest)
    rest *= OPAQUE - alpha
    rest += HALF
    alpha.flags.writeable = rest.flags.writeable = False
    return Underlay(place, alpha, rest)


class PatchBlender:
    """Draws one session's patches. Holds scratch buffers: not for two threads at once."""

    def __init__(self) -> None:
        self._resize(0)

    def draw_still(self, under: Underlay, patch: Planes, target: Planes) -> None:
        """Draw a patch over a background that never changes.

        Args:
            under: the background.
            patch: of the size that the place was made for.
            target: the frame's planes at the place; all of them is written.
        """
        sums = self._resample(under.place, patch)
        np.multiply(sums, under.alpha, out=sums)
        np.add(sums, under.rest, out=sums)
        _put(sums, target)

    def draw(self, place: Place, patch: Planes, weight: float, background: Planes, target: Planes) -> None:
        """Draw a patch over any background.

        Args:
            place: where.
            patch: of the size that the place was made for.
            weight: how much of it shows at all, 0..1.
            background: planes at the place; only read. It may be the target.
            target: planes at the place; all of them is written.
        """
        sums = self._resample(place, patch)
        alpha, under = self._alpha[: len(sums)], self._under[: len(sums)]
        _expand(place, alpha)
        if weight < 1:
            # One less than opaque: the product has to fit.
            np.multiply(alpha, min(OPAQUE - 1, max(0, round(OPAQUE * weight))), out=alpha)
            np.right_shift(alpha, 8, out=alpha)
        _gather(background, under)
        np.multiply(sums, alpha, out=sums)
        np.subtract(OPAQUE, alpha, out=alpha)
        np.multiply(under, alpha, out=under)
        np.add(sums, under, out=sums)
        np.add(sums, HALF, out=sums)
        _put(sums, target)

    def _resample(self, place: Place, patch: Planes) -> Sums:
        """The patch as it lies in the frame, packed."""
        width, height = place.rect[2:]
        size = packed_size(width, height)
        if size > len(self._drawn):
            self._resize(size)
        drawn = self._drawn[:size]
        lying = unpack(drawn, width, height)
        warp(patch.y, place.luma, lying.y)
        warp(patch.u, place.chroma, lying.u)
        warp(patch.v, place.chroma, lying.v)
        sums = self._sums[:size]
        np.copyto(sums, drawn)
        return sums

    def _resize(self, size: int) -> None:
        self._drawn: Plane = np.empty(size, np.uint8)
        self._sums, self._alpha, self._under = (np.empty(size, np.uint16) for _ in range(3))


def _expand(place: Place, alpha: Sums) -> None:
    """Write a place's alpha for all three planes, with 256 for all of the patch."""
    luma = place.rect[2] * place.rect[3]
    alpha[: len(place.alpha)] = place.alpha
    head, chroma = alpha[: len(place.alpha)], luma // 4
    # 0 and 255 become 0 and 256; nothing between is off by more than half of a level.
    np.add(head, head >> 7, out=head)
    alpha[luma + chroma :] = alpha[luma : luma + chroma]


def _gather(planes: Planes, packed: Sums) -> None:
    height, width = planes.y.shape
    luma, chroma = width * height, width * height // 4
    packed[:luma].reshape(height, width)[:] = planes.y
    packed[luma : luma + chroma].reshape(height // 2, width // 2)[:] = planes.u
    packed[luma + chroma :].reshape(height // 2, width // 2)[:] = planes.v


def _put(sums: Sums, target: Planes) -> None:
    """Write the finished sums, which are lost, where they go."""
    height, width = target.y.shape
    luma, chroma = width * height, width * height // 4
    np.right_shift(sums, 8, out=sums)
    target.y[:] = sums[:luma].reshape(height, width)
    target.u[:] = sums[luma : luma + chroma].reshape(height // 2, width // 2)
    target.v[:] = sums[luma + chroma :].reshape(height // 2, width // 2)
