"""Pictures of high dynamic range as ordinary ones, as phones record them (HLG) and films have them (PQ).

What is as bright as paper or darker keeps its brightness; highlights are pressed together above it. Curves:
ITU-R BT.2100; the brightness of paper: BT.2408.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Curve = Literal["hlg", "pq"]
HLG: Curve = "hlg"
PQ: Curve = "pq"

PAPER_NITS = 203.0
HLG_PEAK_NITS = 1000.0
HLG_GAMMA = 1.2
KNEE = 0.75
"""Linear light relative to paper from which on highlights are pressed together."""
STEPS = 4096
_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
"""RGB to RGB in linear light (ITU-R BT.2087)."""


def to_sdr(picture: NDArray[np.unsignedinteger], curve: Curve) -> NDArray[np.uint8]:
    """Convert a picture.

    Args:
        picture: (h, w, 3) BGR of 16 bits, BT.2020.
        curve: how it codes light.

    Returns:
        (h, w, 3) BGR, sRGB.
    """
    linear = _light(curve)[picture >> 4]
    turned = cv2.transform(linear, _BT2020_TO_BT709[::-1, ::-1].copy())
    steps = np.clip(turned * (STEPS - 1) + 0.5, 0, STEPS - 1).astype(np.uint16)
    return _srgb()[steps]


@lru_cache
def _light(curve: Curve) -> NDArray[np.float32]:
    """(4096,) linear light of each code, 1 where the result is white."""
    code = np.arange(STEPS) / (STEPS - 1)
    light = (_hlg_nits(code) if curve == HLG else _pq_nits(code)) / PAPER_NITS
    above = np.maximum(light - KNEE, 0)
    pressed = KNEE + (1 - KNEE) * (1 - np.exp(-above / (1 - KNEE)))
    return np.where(light > KNEE, pressed, light).astype(np.float32)


def _hlg_nits(code: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return HLG_PEAK_NITS * scene**HLG_GAMMA


def _pq_nits(code: NDArray[np.float64]) -> NDArray[np.float64]:
    m1, m2 = 2610 / 16384, 2523 / 32
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    power = code ** (1 / m2)
    return 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


@lru_cache
def _srgb() -> NDArray[np.uint8]:
    """(4096,) the 8-bit code of linear light."""
    light = np.arange(STEPS) / (STEPS - 1)
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(code * 255).astype(np.uint8)
