"""Mends what a matte bit out of clothing, its coverage and its colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.matting.face_inside import face_mask
from precompute.repair.base import Image, Inpainter, Mask
from precompute.repair.bites import FACE_MARGIN, find_bites
from precompute.repair.gaps import tell_apart

Alpha = NDArray[np.float32]

THRESHOLD = 0.01
"""Of the body's area: less than this missing is left as it is."""
SHOWN_MISSING = 0.001
"""Less missing clothing than this is nothing to tell."""
EDGE = 0.015
"""Of the face's height: how far around a bite pixels are mixed with what was there before."""


@dataclass(frozen=True, slots=True)
class ClothingReport:
    """What was found and done; shares of the body's area below the chin, 0..1.

    Attributes:
        before: missing in the matte.
        after: missing after the repair.
        restored: taken back, with the photo's own colours.
        drawn: drawn by the inpainter.
        gaps: openings that belong there, as between arm and body, or hair and shoulder; left as they are.
        inpainter: what drew; empty when nothing was drawn.
    """

    before: float
    after: float
    restored: float = 0.0
    drawn: float = 0.0
    gaps: float = 0.0
    inpainter: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Mended:
    """A person after the repair.

    Attributes:
        colours: (H, W, 3) BGR.
        alpha: (H, W), 0..1.
        report: what was done.
    """

    colours: Image
    alpha: Alpha
    report: ClothingReport


def mend(
    colours: Image,
    alpha: Alpha,
    landmarks: NDArray[np.float32],
    inpainter: Inpainter,
    *,
    whole_photo: bool,
    threshold: float = THRESHOLD,
) -> Mended:
    """Find bites and mend them; the face is never touched.

    Where the photo is whole, a bite with the clothing's colours was the network's mistake: it gets its
    coverage back, and the photo's own pixels are the repair. One that shows the background is a gap, and
    stays. Where the photo came cut out already, what a bite hid is lost, and is drawn.

    Args:
        colours: (H, W, 3) BGR: the photo, or the colours of a cut-out.
        alpha: (H, W), 0..1.
        landmarks: (468, 2 or 3) of the face in its pixels.
        inpainter: draws what is lost.
        whole_photo: whether ``colours`` still has what the matte hides.
        threshold: a smaller share of the body is not worth a repair.

    Raises:
        EngineFailed: the inpainter broke.
    """
    bites = find_bites(alpha, landmarks)
    clothing, gaps = tell_apart(bites, colours, alpha, landmarks, whole_photo=whole_photo)
    area = max(1, int(bites.body.sum()))
    open_share = float((1 - alpha)[gaps].sum()) / area
    before = float((1 - alpha)[clothing].sum()) / area
    if before < threshold:
        return Mended(colours, alpha, ClothingReport(before, before, gaps=open_share))

    body = bites.body & ~gaps
    edge = max(1, round(EDGE * float(np.ptp(landmarks[:, 1]))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * edge + 1,) * 2)
    face = face_mask(landmarks, alpha.shape[:2], FACE_MARGIN) > 0
    near = (cv2.dilate(clothing.astype(np.uint8), kernel) > 0) & body & ~face
    outline = cv2.GaussianBlur(np.pad(body.astype(np.float32), edge, mode="edge"), (0, 0), edge / 2)
    covered = np.where(near, np.maximum(alpha, outline[edge:-edge, edge:-edge]), alpha)
    covered = np.where(near & (cv2.erode(body.astype(np.uint8), kernel) > 0), 1.0, covered).astype(np.float32)
    after = float((1 - covered)[clothing].sum()) / area
    mended = before - after
    if whole_photo:
        return Mended(colours, covered, ClothingReport(before, after, restored=mended, gaps=open_share))
    # Beyond the outline, too, the inpainter shall see clothing.
    solid = cv2.erode((alpha > 0.9).astype(np.uint8), kernel) > 0
    surroundings = _extended(colours, solid & ~near)
    drawn = np.where(near[..., None], inpainter.fill(surroundings, near), colours)
    report = ClothingReport(before, after, drawn=mended, inpainter=inpainter.name)
    return Mended(np.asarray(drawn, np.uint8), covered, report)


def _extended(colours: Image, known: Mask) -> Image:
    """Each unknown pixel gets the colour of the nearest known one."""
    if not known.any():
        return colours
    unknown = (~known).astype(np.uint8)
    _, found = cv2.distanceTransformWithLabels(unknown, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    labels = np.asarray(found, np.int32)
    palette = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    palette[labels[known]] = colours[known]
    return palette[labels]


def untouched_line(missing: float) -> str:
    """A sentence for people on clothing of which so little is missing (0..1) that nothing was repaired."""
    if missing < SHOWN_MISSING:
        return "The clothing is whole."
    return f"Clothing left as it is: {missing:.1%} is missing."
