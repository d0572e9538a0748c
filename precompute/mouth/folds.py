"""Smile folds of a photo, which fade when the mouth leaves the smile.

A warp cannot take a fold away: it only bends it, and a bent fold beside a round mouth looks like a seam.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.curves import smoothstep
from precompute.mesh_points import OVAL
from precompute.mouth.geometry import Mouth
from precompute.mouth.raster import fill_places, source_pixels
from precompute.mouth.shapes import MouthShape
from precompute.portrait import OVERSAMPLING

Image = NDArray[np.uint8]

FINE, COARSE = 0.009, 0.10
"""A fold is what lies between blurs of these radii, in eye spans: pores and stubble stay, and so does the
cheek's roundness."""
BESIDE, ABOVE, BELOW = 0.03, 0.10, 0.75
"""Folds are looked for from this far beside the relaxed mouth, from this far above the nose's base, and down
to this share of the way to the chin."""
DEEP_FOLD, PORE_LEVELS = (8.0, 24.0), 4.0
"""Levels by which a deep fold darkens the skin, and what pores and stubble do in it."""
RIM = 0.10
"""The face's outline is left alone over this width."""
AT_REST, WHEN_OPEN, WHEN_ROUND = 0.45, 0.65, 0.95
"""Share of the folds that is gone; a spread mouth has all of them."""


class Folds:
    """Keeps a smiling source with and without its folds.

    Args:
        source: (2S, 2S, 3).
        mouth: what was measured.
    """

    def __init__(self, source: Image, mouth: Mouth) -> None:
        self._source = source
        unit = mouth.frame.unit * OVERSAMPLING
        face = mouth.points[list(OVAL)]
        at = source_pixels(mouth.frame.to_pixels(face))
        low = np.clip(at.min(axis=0).astype(int), 0, None)
        high = np.minimum(at.max(axis=0).astype(int) + 1, source.shape[1::-1])
        self._part = np.s_[low[1] : high[1], low[0] : high[0]]
        inside = fill_places(source.shape[:2], mouth.frame, face)[self._part]
        rim = cv2.distanceTransform(np.ascontiguousarray(inside), cv2.DIST_L2, 3) / unit
        y, x = np.mgrid[self._part]
        places = mouth.frame.to_mouth((np.stack([x, y], axis=-1) + 0.5) / OVERSAMPLING - 0.5)
        half = float(mouth.rest.outer_upper[-1, 0] - mouth.rest.outer_upper[0, 0]) / 2 + BESIDE
        where = smoothstep(0, RIM, rim - 0.02) * smoothstep(-0.04, 0.06, np.abs(places[..., 0]) - half)
        where *= smoothstep(-0.06, 0.06, places[..., 1] - (mouth.nose - ABOVE))
        where *= 1 - smoothstep(-0.1, 0.1, places[..., 1] - mouth.chin * BELOW)
        part = source[self._part].astype(np.float32)
        fine, coarse = (cv2.GaussianBlur(part, (0, 0), radius * unit) for radius in (FINE, COARSE))
        folds, detail = fine - coarse, part - fine
        # The bottom of a deep fold is as fine as a pore, but lies where the light falls off, and is darker.
        deep = smoothstep(*DEEP_FOLD, -folds.mean(axis=-1))[..., None]
        folds += deep * np.minimum(detail + PORE_LEVELS, 0)
        self._folds = (folds * where[..., None]).astype(np.float32)

    def yielding(self, shape: MouthShape) -> Image:
        """The source with the folds that a mouth of this shape leaves, (2S, 2S, 3)."""
        gone = max(
            AT_REST * (1 - shape.spread),
            WHEN_OPEN * float(smoothstep(0, 0.6, shape.aperture)) * (1 - shape.spread),
            AT_REST + (WHEN_ROUND - AT_REST) * shape.round if shape.round else 0.0,
        )
        picture = self._source.copy()
        part = picture[self._part].astype(np.float32)
        picture[self._part] = np.clip(np.rint(part - self._folds * np.float32(gone)), 0, 255).astype(np.uint8)
        return picture
