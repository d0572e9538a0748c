"""The mouth atlas: the part of an avatar that the embedded face engine and the compositor use.

Pictures are BGR uint8. Rectangles are (x, y, width, height) in pixels of the still, all even, so that
chroma planes of yuv420p line up. Written as ``atlas.npz`` without objects, so that reading one from a
stranger runs no code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Grid = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MouthAtlas:
    """One avatar's pictures for every mouth, lid and gaze, and the fields that move its head.

    Attributes:
        still: (H, W, 3) the avatar at rest, mouth closed, eyes open, sharpened for one linear remap.
        mouth_rect: (4,) where mouth pictures go.
        apertures: (A,) rising, first 0.
        widths: (J,) rising within -1..1, containing 0.
        mouths: (A, J, h, w, 3); at aperture 0 and width 0 it equals the still.
        press_levels: (K,) rising, > 0, last 1. press_widths: (P,) rising.
        press: (K, P, h, w, 3) lips pressed (m b p), from a closed mouth.
        bite_levels: (K,). bite_widths: (P,). bite: (K, P, h, w, 3) lower lip under the teeth (f v).
        tongue_levels: (K,) may be empty. tongue_aperture: scalar (1,), the aperture the tongue pictures start from.
        tongue: (K, h, w, 3) tongue tip at the teeth (l th), at width 0.
        eye_rect: (4,) one rectangle over both eyes.
        lids: (L,) closure 0..1 rising, first 0, last 1.
        gazes: (G, 2) gaze direction (x, y) in -1..1, first (0, 0); x > 0 is the picture's right, y > 0 is down.
        eyes: (L, G, h, w, 3).
        motion: (M, N, N, 2) displacement in pixels of the still (x, y), one field per entry of ``MOTIONS``, on an
            N x N grid that spans the still's corners; 0 at the picture's left, top and right rim.
        landmarks: (468, 2) face mesh of the still in pixels, for tests and tools.
    """

    still: Image
    mouth_rect: NDArray[np.int32]
    apertures: Grid
    widths: Grid
    mouths: Image
    press_levels: Grid
    press_widths: Grid
    press: Image
    bite_levels: Grid
    bite_widths: Grid
    bite: Image
    tongue_levels: Grid
    tongue_aperture: Grid
    tongue: Image
    eye_rect: NDArray[np.int32]
    lids: Grid
    gazes: Grid
    eyes: Image
    motion: Grid
    landmarks: Grid


MOTIONS = ("shift_x", "shift_y", "roll", "yaw", "pitch", "breath", "brows")
"""Names of the motion fields. Coefficients: pixels for shifts and breath, sine of the angle for roll, yaw and
pitch, 0..1 for brows."""
