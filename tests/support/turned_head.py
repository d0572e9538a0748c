"""A portrait whose head is turned about its axis, drawn from its face mesh: good enough for face networks."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from precompute.landmarks import FaceMesh

Image = NDArray[np.uint8]
AXIS = 0.6
"""How far behind the nearest point of the face the axis lies, as a share of its depth."""


def turned_head(picture: Image, mesh: FaceMesh, degrees: float) -> Image:
    """Turn the head to the picture's right.

    Args:
        picture: (H, W, 3) BGR.
        mesh: of the face that looks straight ahead.
        degrees: 0 leaves it as it is.
    """
    height, width = picture.shape[:2]
    points = mesh.points.astype(np.float64)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    middle, radius = (low + high) / 2, (high - low)[0] / 2
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.column_stack([np.cos(around), 1.3 * np.sin(around)])
    back = float(points[:, 2].max())
    rings = [np.column_stack([middle + k * radius * circle, np.full(24, back + (k - 1) * 1.6 * radius)])
             for k in (1.25, 1.5)]  # fmt: skip
    along = np.linspace(0, 1, 8)
    frame = [(x * (width - 1), y) for x in along for y in (0, height - 1)]
    frame += [(x, y * (height - 1)) for y in along for x in (0, width - 1)]
    still = len(frame)
    head = np.concatenate([points, *rings])
    turn, axis = np.radians(degrees), back * AXIS
    across, depth = head[:, 0] - middle[0], head[:, 2] - axis
    moved = np.column_stack([across * np.cos(turn) - depth * np.sin(turn) + middle[0], head[:, 1]])
    behind = np.concatenate([across * np.sin(turn) + depth * np.cos(turn), np.full(still, 1e6)])
    source = np.concatenate([head[:, :2], frame]).astype(np.float32)
    target = np.concatenate([moved, frame]).astype(np.float32)
    drawn = picture.copy()
    triangles = Delaunay(source).simplices
    # What is further away is drawn first.
    for corners in triangles[np.argsort(-behind[triangles].mean(axis=1))]:
        _draw(picture, drawn, source[corners], target[corners])
    return drawn


def _draw(picture: Image, drawn: Image, source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    if cv2.contourArea(target) < 0.3:
        return
    limits = drawn.shape[1::-1]
    x0, y0 = np.clip(np.floor(target.min(axis=0)).astype(int) - 1, 0, limits)
    x1, y1 = np.clip(np.ceil(target.max(axis=0)).astype(int) + 2, 0, limits)
    if x1 <= x0 or y1 <= y0:
        return
    inside = target - np.array([x0, y0], np.float32)
    move = cv2.getAffineTransform(source, inside)
    size = int(x1 - x0), int(y1 - y0)
    patch = cv2.warpAffine(picture, move, size, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(mask, np.round(inside * 16).astype(int), 255, shift=4)
    shown = cv2.dilate(mask, np.ones((2, 2), np.uint8)) > 0
    drawn[y0:y1, x0:x1][shown] = patch[shown]
