"""The person's own colours at edges that the old background shines through."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def own_colours(image: Image, alpha: NDArray[np.float32]) -> Image:
    """Estimate the foreground of ``image = alpha * foreground + (1 - alpha) * background``.

    Multi-level estimation (Germer et al., 2020) of pymatting, which comes with rembg.

    Args:
        image: (H, W, 3) BGR.
        alpha: (H, W), 0..1.

    Returns:
        (H, W, 3) BGR. Where ``alpha`` is 1 it is the picture's.
    """
    module: Any = importlib.import_module("pymatting.foreground.estimate_foreground_ml")
    estimated = module.estimate_foreground_ml(image.astype(np.float64) / 255, alpha.astype(np.float64))
    colours = np.clip(estimated * 255 + 0.5, 0, 255).astype(np.uint8)
    colours[alpha >= 1] = image[alpha >= 1]
    return colours
