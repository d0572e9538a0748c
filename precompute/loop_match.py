"""Where a video can be closed to a loop that goes on from its beginning: how much frames are alike in place,
pose, expression and picture, and in how they move.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from precompute.loop_track import Sights
from precompute.mesh_points import UPPER_FACE

FADE = 8
"""Frames in which the end of a loop turns into what was before its beginning."""
CALM = 2.0
"""Standard deviation in frames of the smoothing of landmarks."""
MOUTH, EYES = 0.15, 0.35
"""Widths of the face that the mouth, and the eyes, open by one eye span count as: a loop must not close them
in one frame."""
LEVEL = 0.004
"""Widths of the face that a level of the small picture counts as."""


def seams(sights: Sights, first: int, behind: int) -> NDArray[np.float32]:
    """How much a loop differs from itself where it begins again.

    Args:
        sights: of a whole video.
        first: the first frame of a part of it that can be used.
        behind: the one behind its last.

    Returns:
        (n, n) for the loop that begins with frame ``first + row`` and goes on before ``first + column``: root
        mean square difference of the ``FADE`` frames before either, in widths of the face; infinite where
        there are not as many.
    """
    rows = _features(sights, first, behind)
    squares = (rows**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares[None] - 2 * (rows @ rows.T), 0)
    count = len(rows)
    total = np.zeros((count - FADE, count - FADE), np.float32)
    for back in range(FADE + 1):
        total += apart[back : count - FADE + back, back : count - FADE + back]
    found = np.full((count, count), np.inf, np.float32)
    found[FADE:, FADE:] = np.sqrt(total / (FADE + 1))
    return found


def _features(sights: Sights, first: int, behind: int) -> NDArray[np.float32]:
    """(n, features) whose distances are widths of the face."""
    part = slice(first, behind)
    meshes = sights.meshes[part]
    width = max(float(np.median(np.ptp(meshes[..., 0], axis=1))), 1e-6)
    points = meshes[:, list(UPPER_FACE)].astype(np.float64) / width
    points = gaussian_filter1d(points, CALM, axis=0, mode="nearest").reshape(len(meshes), -1)
    points = (points - points.mean(axis=0)) / np.sqrt(len(UPPER_FACE))
    opened = np.column_stack([MOUTH * sights.mouths[part], EYES * sights.eyes[part]])
    thumbs = sights.thumbs[part].reshape(len(meshes), -1).astype(np.float32)
    thumbs = (thumbs - thumbs.mean(axis=0)) * (LEVEL / np.sqrt(max(1, thumbs.shape[1])))
    return np.concatenate([points.astype(np.float32), opened.astype(np.float32), thumbs], axis=1)
