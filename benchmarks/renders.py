"""Renders whose silhouettes are known, put before other backgrounds or cut out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from avatars.store import BUILTIN_ROOT
from precompute.matting.background import Picture

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]

MATTES = Path(__file__).parent / "mattes"
PEOPLE = ("mira", "theo")
BUSY = (
    "coffee", "chelsea", "rocket", "brick", "grass", "gravel", "hubble_deep_field", "immunohistochemistry",
    "camera", "colorwheel", "page", "retina",
)  # fmt: skip
"""Pictures of scikit-image that come in its wheel: textures, text, a cat, a cup, a rocket, bright discs."""


@dataclass(frozen=True, slots=True, eq=False)
class Render:
    """A person and the exact silhouette.

    Attributes:
        picture: (720, 720, 3) BGR, before a light studio background.
        alpha: (720, 720), 0..1.
        studio: (720, 720, 3), that background alone, behind the person, too.
    """

    picture: NDArray[np.float32]
    alpha: Alpha
    studio: NDArray[np.float32]

    def before(self, background: Image) -> Image:
        """The same person before another background, which is cut to fit."""
        behind = Picture(background).behind(self.picture.astype(np.uint8), self.alpha)
        changed = self.picture + (1 - self.alpha[..., None]) * (behind - self.studio)
        return np.clip(changed + 0.5, 0, 255).astype(np.uint8)

    def colours(self) -> Image:
        """The person's own colours, and black where there is nobody: (720, 720, 3)."""
        share = self.alpha[..., None]
        own = (self.picture - (1 - share) * self.studio) / np.maximum(share, 0.02)
        return np.where(share > 0, np.clip(own + 0.5, 0, 255), 0).astype(np.uint8)


def render(person: str) -> Render:
    """Load one of ``PEOPLE``."""
    picture = cv2.imread(str(BUILTIN_ROOT / "sources" / f"{person}.png"))
    matte = cv2.imread(str(MATTES / f"{person}.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None and matte is not None
    pixels, alpha = picture.astype(np.float32), np.asarray(matte / 255, np.float32)
    return Render(pixels, alpha, _studio(pixels, alpha))


def busy(name: str) -> Image:
    """One of ``BUSY``: (h, w, 3) BGR."""
    picture = np.asarray(getattr(data, name)())
    rgb = picture[..., :3] if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    return np.ascontiguousarray(rgb[..., ::-1], np.uint8)


def _studio(picture: NDArray[np.float32], alpha: Alpha) -> NDArray[np.float32]:
    """The smooth light background, where it is hidden from a fit of second order to what is seen."""
    y, x = np.mgrid[-1 : 1 : picture.shape[0] * 1j, -1 : 1 : picture.shape[1] * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=-1)
    fit = np.linalg.lstsq(terms[alpha == 0], picture[alpha == 0], rcond=None)[0]
    return (terms @ fit).astype(np.float32)
