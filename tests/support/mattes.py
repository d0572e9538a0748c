"""Mattes under test: one that is known, and the file of rembg's smallest network."""

import sys
from pathlib import Path

import cv2
import numpy as np

from precompute.landmarks import FaceFinder
from precompute.mesh_points import OVAL
from precompute.portrait import PORTRAIT_SIZE, Portrait, find_portrait

U2NETP = Path(sys.prefix) / "models" / "rembg" / "u2netp.onnx"
"""Where the Makefile puts it."""


class KnownMatter:
    """Says what it was told."""

    name = "known"

    def __init__(self, alpha: np.ndarray) -> None:
        self.alpha = alpha.astype(np.float32)
        self.asked = 0

    def matte(self, image: np.ndarray) -> np.ndarray:
        self.asked += 1
        assert image.shape[:2] == self.alpha.shape
        return self.alpha


class Painter:
    """An inpainter that paints green, and keeps what it was asked."""

    name = "green"

    def __init__(self) -> None:
        self.missing: np.ndarray | None = None

    def fill(self, image: np.ndarray, missing: np.ndarray) -> np.ndarray:
        self.missing = missing
        painted = image.copy()
        painted[missing] = (0, 255, 0)
        return painted


def cut(portrait: Portrait, picture: np.ndarray, side: int = PORTRAIT_SIZE) -> np.ndarray:
    """The part of something in the photo's pixels that the portrait shows."""
    left, top, size = portrait.report.crop
    part = picture[top : top + size, left : left + size]
    return cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA)


def body(side: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """A head on shoulders: (side, side) alpha, and (468, 2) points of the face."""
    alpha = np.zeros((side, side), np.float32)
    cv2.ellipse(alpha, (side // 2, side // 3), (side // 6, side // 4), 0, 0, 360, 1.0, -1)
    cv2.rectangle(alpha, (side * 5 // 12, side // 2), (side * 7 // 12, side * 3 // 4), 1.0, -1)
    cv2.ellipse(alpha, (side // 2, side), (side * 2 // 5, side * 7 // 20), 0, 0, 360, 1.0, -1)
    return alpha, face_points((side / 2, side / 3), (side / 7, side / 4))


def face_points(centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """(468, 2): the oval of a face mesh is an ellipse, and all else lies in its middle."""
    points = np.full((468, 2), centre, np.float32)
    angles = 2 * np.pi * np.arange(len(OVAL)) / len(OVAL)
    points[list(OVAL)] += np.stack([radii[0] * np.sin(angles), -radii[1] * np.cos(angles)], axis=1)
    return points


def portrait_of(picture: np.ndarray, finder: FaceFinder) -> Portrait:
    return find_portrait(np.ascontiguousarray(picture), finder)
