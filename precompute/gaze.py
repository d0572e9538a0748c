"""Carries a turned gaze over to lids that nobody rendered it with."""

from __future__ import annotations

import cv2
import numpy as np

from avatars.atlas import Image

SAME_LEVELS, OTHER_LEVELS = 10.0, 40.0
"""Pixels that differ by less are the same thing in two pictures, by more are something else."""
SOFTENING = 1.0


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
