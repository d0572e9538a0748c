"""By which light a frame's mouth differs from the reference's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from avatars.heads import LIGHT_TERMS, MOST_LIGHT
from avatars.manifest import LoopKind
from streaming.compositor.planes import Planes

Floats = NDArray[np.float64]

BLACK = 16.0
SOFT = 3.0
"""Deviation in pixels of the blur before colours are compared: places are never quite the same."""
SLOPED = 0.05
"""Against light that changes across the mouth."""
OUTLIER = 0.08
"""Share of luma that a place may differ without counting much less: a shadow of a nose moves."""
ROUNDS = 3
CALM = 2.0
"""Standard deviation in frames; light does not flicker, and cameras' exposure is slow."""


def measure_light(frame: Planes, reference: Planes, away: Floats, weights: Floats) -> Floats:
    """(3, 3) as one frame's :attr:`avatars.heads.MovingHeads.light`.

    Args:
        frame: planes of a window of the frame.
        reference: planes of the reference as it lies there.
        away: (h, w, 2) places from the mouth's middle in eye spans.
        weights: (h, w) which places are alike but for their light.
    """
    places, shares = _half(away), _half(weights)
    terms = np.concatenate([np.ones((*places.shape[:2], 1)), places], axis=-1).reshape(-1, LIGHT_TERMS)
    now, then = (_half(_blurred(p.y, SOFT)) - BLACK for p in (frame, reference))
    light = np.empty((3, LIGHT_TERMS))
    base = np.maximum(then, 1.0).reshape(-1)
    light[0] = _robust(
        terms * base[:, None], now.reshape(-1), shares.reshape(-1), base.mean(), OUTLIER * base
    )
    for row, (new, old) in enumerate(((frame.u, reference.u), (frame.v, reference.v)), start=1):
        change = _blurred(new, SOFT / 2) - _blurred(old, SOFT / 2)
        light[row] = _robust(terms, change.reshape(-1), shares.reshape(-1), 1.0, np.full(len(terms), 4.0))
    light[0] = np.clip(light[0], -MOST_LIGHT, MOST_LIGHT)
    return light


def smooth_light(light: Floats, kind: LoopKind) -> Floats:
    """Take the flicker out of (N, 3, 3)."""
    return gaussian_filter1d(light, CALM, axis=0, mode="wrap" if kind == "forward" else "mirror")


def _robust(terms: Floats, values: Floats, weights: Floats, scale: float, outlier: Floats) -> Floats:
    now = weights
    found = np.zeros(LIGHT_TERMS)
    for _ in range(ROUNDS):
        weighted = terms * now[:, None]
        stiff = np.diag([0.0, SLOPED, SLOPED]) * scale**2 * now.sum() + 1e-6 * np.eye(LIGHT_TERMS)
        found = np.linalg.solve(terms.T @ weighted + stiff, weighted.T @ values)
        now = weights / (1 + ((terms @ found - values) / outlier) ** 2)
    return found


def _blurred(plane: NDArray[np.uint8], deviation: float) -> Floats:
    return cv2.GaussianBlur(plane.astype(np.float32), (0, 0), deviation).astype(np.float64)


def _half(values: Floats) -> Floats:
    size = values.shape[1] // 2, values.shape[0] // 2
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float64)
