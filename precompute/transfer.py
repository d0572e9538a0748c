"""Carries what one picture of a face shows over to another, where nobody rendered it."""

from __future__ import annotations

import cv2
import numpy as np

from avatars.atlas import Image

SHADING_RADIUS = 2.0
"""Differences finer than this many pixels are misplaced edges, not light."""
SAME_LEVELS, OTHER_LEVELS = 10.0, 40.0
"""Pixels that differ by less are the same thing in two pictures, by more are something else."""
SOFTENING = 1.0


def transfer(picture: Image, start: Image, end: Image) -> Image:
    """What ``picture`` would look like if the face moved as it does from ``start`` to ``end``.

    The movement is measured as dense optical flow, and the change of light that goes with it is added.

    Args:
        picture: (H, W, 3) BGR; a variant of ``start``.
        start: (H, W, 3).
        end: (H, W, 3) the same face, moved by some pixels.

    Returns:
        (H, W, 3): the same variant of ``end``.
    """
    flow_finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey_end, grey_start = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY) for p in (end, start))
    flow = flow_finder.calc(grey_end, grey_start, np.zeros((*grey_end.shape, 2), np.float32))
    height, width = grey_end.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))

    def moved(source: Image) -> np.ndarray:
        look_x, look_y = x + flow[..., 0], y + flow[..., 1]
        out = cv2.remap(source, look_x, look_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return out.astype(np.float32)

    light = cv2.GaussianBlur(end.astype(np.float32) - moved(start), (0, 0), SHADING_RADIUS)
    return np.clip(np.rint(moved(picture) + light), 0, 255).astype(np.uint8)


def follow_gaze(lowered: Image, ahead: Image, look: Image) -> Image:
    """Lowered lids over eyes that look elsewhere.

    Args:
        lowered: (H, W, 3) BGR; lids lowered, eyes straight ahead.
        ahead: (H, W, 3) open eyes straight ahead.
        look: (H, W, 3) open eyes that look elsewhere.

    Returns:
        (H, W, 3): ``lowered``, with the turned eyeball wherever the lids leave it free.
    """
    turned = look.astype(np.float32) - ahead
    covered = cv2.absdiff(lowered, ahead).max(axis=-1).astype(np.float32)
    free = np.clip((OTHER_LEVELS - covered) / (OTHER_LEVELS - SAME_LEVELS), 0, 1)
    free = cv2.GaussianBlur(free, (0, 0), SOFTENING)[..., None]
    return np.clip(np.rint(lowered + turned * free), 0, 255).astype(np.uint8)
