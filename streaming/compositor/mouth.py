"""From a mouth pose to a picture: bilinear lookup in the atlas, on packed planes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streaming.compositor.assets import AtlasAssets, Series
from streaming.compositor.easing import MouthPose
from streaming.compositor.planes import Planes, unpack

SeriesName = Literal["tongue", "bite", "press"]

NEGLIGIBLE = 1 / 256
"""Blend weights below this change no level, so the picture is taken as it is."""

Values = NDArray[Any]
"""Bytes of pictures, or other numbers that go with mouths."""


class MouthTable(NamedTuple):
    """Something for each mouth of an atlas, flat.

    Attributes:
        apertures: (A,) rising from 0.
        widths: (J,) rising.
        mouths: (A, J, n).
        press: lips pressed.
        bite: lower lip under the teeth.
        tongue: tongue at the teeth, at width 0.
        tongue_aperture: the aperture that the tongue starts from.
    """

    apertures: tuple[float, ...]
    widths: tuple[float, ...]
    mouths: Values
    press: Series
    bite: Series
    tongue: Series
    tongue_aperture: float


def pictures_of(assets: AtlasAssets) -> MouthTable:
    """The pictures of all mouths, packed."""
    return MouthTable(
        assets.apertures,
        assets.widths,
        assets.mouths,
        assets.press,
        assets.bite,
        assets.tongue,
        assets.tongue_aperture,
    )


class MouthPainter:
    """Draws mouths of one avatar. Holds scratch buffers: one per session.

    Args:
        assets: the avatar's shared pictures.
    """

    def __init__(self, assets: AtlasAssets) -> None:
        self._size = assets.mouth_rect[2:]
        self._lookup = MouthLookup(pictures_of(assets))

    def paint(self, pose: MouthPose, target: Planes) -> None:
        """Draw ``pose`` into ``target``, the planes of the mouth's rectangle.

        A pose with ``press`` or ``bite`` is drawn as if its aperture were nearly 0, see
        :func:`streaming.compositor.easing.pose_of`.
        """
        target.put(self.picture(pose))

    def picture(self, pose: MouthPose) -> Planes:
        """The planes of the mouth's rectangle; only to be read, and only until the next picture."""
        return unpack(self._lookup.find(pose)[0], *self._size)


class MouthLookup:
    """Finds what belongs to a pose. Holds scratch buffers: one per session.

    Args:
        table: what belongs to each mouth of the atlas.
    """

    def __init__(self, table: MouthTable) -> None:
        self._assets = table
        # Three buffers per blending stage, so that no stage writes what the next one still reads.
        self._buffers = {
            stage: [np.empty((1, table.mouths.shape[-1]), table.mouths.dtype) for _ in range(3)]
            for stage in ("open", "tongue", "bite", "press")
        }

    def find(self, pose: MouthPose) -> Values:
        """(1, n) for a pose; only to be read, and only until the next one is looked for."""
        assets = self._assets
        aperture, width = pose.aperture, pose.width
        if pose.tongue > 0 and assets.tongue.levels:
            # The tongue pictures show one opening: come to it first, then blend.
            near = min(1.0, pose.tongue / assets.tongue.levels[0])
            aperture += (assets.tongue_aperture - aperture) * near
        stages = ((pose.tongue, assets.tongue), (pose.press, assets.press), (pose.bite, assets.bite))
        for amount, series in stages:
            # Likewise the width, for series that were made at few widths.
            if amount > 0 and series.levels:
                near = min(1.0, amount / series.levels[0])
                width += (min(max(width, series.widths[0]), series.widths[-1]) - width) * near
        picture = self._open(aperture, width)
        picture = self._strengthen(picture, "tongue", pose.tongue, width)
        picture = self._strengthen(picture, "bite", pose.bite, width)
        return self._strengthen(picture, "press", pose.press, width)

    def _open(self, aperture: float, width: float) -> Values:
        apertures, mouths, buffers = self._assets.apertures, self._assets.mouths, self._buffers["open"]
        i, s = locate(apertures, aperture)
        low = _across(mouths[i], self._assets.widths, width, buffers[0])
        if s < NEGLIGIBLE:
            return low
        high = _across(mouths[i + 1], self._assets.widths, width, buffers[1])
        return _mix(low, high, s, buffers[2])

    def _strengthen(self, picture: Values, name: SeriesName, amount: float, width: float) -> Values:
        """Blend from ``picture`` (strength 0) along a series."""
        series: Series = getattr(self._assets, name)
        if amount < NEGLIGIBLE or not series.levels:
            return picture
        buffers = self._buffers[name]
        k, part = locate((0.0, *series.levels), amount)
        lower = picture if k == 0 else _across(series.pictures[k - 1], series.widths, width, buffers[0])
        upper = _across(series.pictures[k], series.widths, width, buffers[1])
        return _mix(lower, upper, part, buffers[2])


def locate(values: Sequence[float], x: float) -> tuple[int, float]:
    """Index of the interval that holds ``x`` (clamped), and how far into it."""
    if len(values) == 1:
        return 0, 0.0
    x = min(max(x, values[0]), values[-1])
    i = min(bisect_right(values, x) - 1, len(values) - 2)
    return i, (x - values[i]) / (values[i + 1] - values[i])


def _across(pictures: Values, widths: Sequence[float], width: float, buffer: Values) -> Values:
    """One picture (1, n) out of a row of them (P, n); cv2 wants two dimensions."""
    j, t = locate(widths, width)
    if t < NEGLIGIBLE:
        return pictures[j, None]
    return _mix(pictures[j, None], pictures[j + 1, None], t, buffer)


def _mix(a: Values, b: Values, part: float, buffer: Values) -> Values:
    """``a`` and ``b`` blended; one of them itself when the other would not show."""
    if part < NEGLIGIBLE:
        return a
    if part > 1 - NEGLIGIBLE:
        return b
    cv2.addWeighted(a, 1 - part, b, part, 0, dst=buffer)
    return buffer
