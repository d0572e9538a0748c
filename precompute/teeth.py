"""Light on rendered teeth: a renderer leaves them grey in the lips' shadow, where fill light would not."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.atlas import Image
from precompute.curves import smoothstep
from precompute.mesh_points import OUTER_LOWER, OUTER_UPPER

GAIN = 1.38
"""How much brighter the darkest teeth become; bright ones stay."""
DARK_TOOTH, BRIGHT_TOOTH = 110.0, 190.0
"""Lightness (0..255) up to which teeth get the whole gain, and from which on none."""
CAVITY, TOOTH = 45.0, 75.0
"""Lightness of what is certainly no tooth, and of what may be one."""
LIP_RED, TOOTH_RED = 13.0, 7.0
SKIN_YELLOW, TOOTH_YELLOW = 14.0, 9.0
"""Redness (a* over neutral) of lips and gums, yellowness (b*) of skin, and both of teeth."""
CHANGED = 6.0, 20.0
"""Levels by which a tooth differs from the closed mouth at least, and safely."""
LIGHT_RADIUS = 4.0
"""A tooth's light is judged over this many pixels, so that the lines between teeth stay."""
WARMTH = np.array([-4.0, 0.0, 2.0], np.float32)
"""Added to B, G, R of brightened teeth: ivory, not chalk."""
REACH = 0.35
"""Teeth are looked for this far around the lips at rest, in widths of the mouth."""
SOFTENING = 1.0


def mouth_region(landmarks: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Where teeth can be (H, W), 0..1: below the upper lip's upper edge, a jaw's drop further down."""
    lips = landmarks[[*OUTER_UPPER, *OUTER_LOWER], :2]
    (left, top), (right, bottom) = lips.min(axis=0), lips.max(axis=0)
    reach = REACH * (right - left)
    y, x = np.mgrid[: shape[0], : shape[1]]
    inward = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom + reach - y))
    return np.clip(inward / 2, 0, 1).astype(np.float32)


def light_teeth(picture: Image, closed: Image, region: NDArray[np.float32], amount: float = 1.0) -> Image:
    """The picture with its dark teeth brightened.

    Args:
        picture: (H, W, 3) BGR.
        closed: (H, W, 3) the same face with its mouth closed: what looks the same there is no tooth.
        region: (H, W) from :func:`mouth_region`.
        amount: 0..1 of the whole effect.
    """
    lab = cv2.cvtColor(picture, cv2.COLOR_BGR2LAB).astype(np.float32)
    light, red, yellow = lab[..., 0], lab[..., 1] - 128, lab[..., 2] - 128
    tooth = region * smoothstep(CAVITY, TOOTH, light)
    tooth *= 1 - smoothstep(TOOTH_RED, LIP_RED, red)
    tooth *= smoothstep(*CHANGED, cv2.absdiff(picture, closed).max(axis=-1).astype(np.float32))
    tooth *= 1 - smoothstep(TOOTH_YELLOW, SKIN_YELLOW, yellow)
    around = cv2.GaussianBlur(tooth * light, (0, 0), LIGHT_RADIUS)
    around /= cv2.GaussianBlur(tooth, (0, 0), LIGHT_RADIUS) + 1e-3
    need = amount * cv2.GaussianBlur(tooth, (0, 0), SOFTENING)
    need *= 1 - smoothstep(DARK_TOOTH, BRIGHT_TOOTH, around)
    # Straight on BGR: a way there and back through L*a*b* would change every other pixel by a level.
    lit = picture * (1 + (GAIN - 1) * need)[..., None] + WARMTH * need[..., None]
    return np.clip(np.rint(lit), 0, 255).astype(np.uint8)
