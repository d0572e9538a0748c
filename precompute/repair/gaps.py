"""Tells what is bitten out of clothing from openings that belong there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from precompute.repair.base import Image, Mask
from precompute.repair.bites import Bites

Alpha = NDArray[np.float32]
Colours = NDArray[np.float32]

NEARBY = 0.2
"""Of the face's height: clothing so near to a bite is what its colours are compared with."""
ALIKE = 2.5
"""Distance in CIELAB up to which a colour is one of the clothing's, even if the background has it, too."""
DIFFERENT = 20.0
"""Distance in CIELAB between two things, as hair and clothing."""
DEPTH = 0.012
"""Of the picture's height: how deep is looked above and below an opening."""
COLUMNS = 40
"""In about so many of an opening's columns."""
COMPARED = 2000
"""Pixels of each kind that are compared at most."""


def tell_apart(
    bites: Bites, colours: Image, alpha: Alpha, landmarks: NDArray[np.float32], *, whole_photo: bool
) -> tuple[Mask, Mask]:
    """Bites, and openings that belong there.

    An opening at the outline with one thing above it and another below, as hair over a shoulder, belongs
    there.
    So does one in which a whole photo shows the background, as between arm and body.

    Args:
        bites: candidates.
        colours: (H, W, 3) BGR.
        alpha: (H, W), 0..1.
        landmarks: (468, 2 or 3) of the face in its pixels.
        whole_photo: whether ``colours`` has what the matte hides.

    Returns:
        (H, W) each.
    """
    clothing, gaps = np.zeros(alpha.shape, bool), np.zeros(alpha.shape, bool)
    if not bites.count:
        return clothing, gaps
    lab = np.asarray(cv2.cvtColor(colours.astype(np.float32) / 255, cv2.COLOR_BGR2LAB), np.float32)
    rng = np.random.default_rng(0)
    behind = _some(lab[(alpha < 0.05) & (bites.labels == 0)], rng)
    reach = max(1, round(NEARBY * float(np.ptp(landmarks[:, 1]))))
    for number in range(1, bites.count + 1):
        bite = bites.labels == number
        if _between_two_things(bite, bites.body, lab, alpha):
            gaps |= bite
        elif not whole_photo:
            clothing |= bite
        else:
            away = cv2.distanceTransform((~bite).astype(np.uint8), cv2.DIST_L2, 3)
            cloth = _some(lab[(away <= reach) & bites.body & (alpha > 0.95)], rng)
            part = clothing if _shows_clothing(_some(lab[bite], rng), cloth, behind) else gaps
            part |= bite
    return clothing, gaps


def _between_two_things(bite: Mask, body: Mask, lab: Colours, alpha: Alpha) -> bool:
    """Whether an opening at the outline has different colours above and below."""
    ring = cv2.dilate(bite.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if not (ring & ~body).any():
        return False
    solid = (alpha > 0.9) & body & ~bite
    depth = max(2, round(DEPTH * len(bite)))
    columns = np.flatnonzero(bite.any(axis=0))
    above: list[Colours] = []
    below: list[Colours] = []
    for column in columns[:: max(1, len(columns) // COLUMNS)].tolist():
        rows = np.flatnonzero(bite[:, column])
        over = np.flatnonzero(solid[: rows[0], column])[-depth:]
        under = np.flatnonzero(solid[rows[-1] + 1 :, column])[:depth] + rows[-1] + 1
        if len(over) and len(under):
            above.append(lab[over, column])
            below.append(lab[under, column])
    if not above:
        return False
    difference = np.median(np.concatenate(above), axis=0) - np.median(np.concatenate(below), axis=0)
    return float(np.linalg.norm(difference)) > DIFFERENT


def _shows_clothing(seen: Colours, cloth: Colours, behind: Colours) -> bool:
    """Whether most of the (n, 3) colours are nearer to the clothing's than to the background's."""
    if not len(cloth):
        return False
    to_cloth, _ = KDTree(cloth).query(seen)
    to_behind = KDTree(behind).query(seen)[0] if len(behind) else np.full(len(seen), np.inf)
    return float(np.mean(to_cloth <= np.maximum(to_behind, ALIKE))) >= 0.5


def _some(values: Colours, rng: np.random.Generator) -> Colours:
    return values if len(values) <= COMPARED else values[rng.choice(len(values), COMPARED, replace=False)]
