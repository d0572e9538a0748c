"""The fields that move a still head: shifts, roll, yaw, pitch, breath and brows.

Each field says where a pixel goes per unit of its coefficient (see ``avatars.atlas.MOTIONS``); a player adds
them up and samples the still at ``position - displacement``. Depth for yaw and pitch comes from the face
mesh, falls off behind the ears and is nil in the background.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from avatars.atlas import MOTIONS
from precompute.curves import smoothstep
from precompute.mesh_points import BROW_TOPS, EYE_OUTER_LEFT, EYE_OUTER_RIGHT, OVAL

GRID = 33
RIM = 0.08
"""Share of the frame over which motion dies away towards the left, top and right rim."""

HEAD_REACH = (0.80, 0.80)
"""Radii of the rigid head over the mesh's width and height."""
HEAD_RISE = 0.12
"""The head's middle is this share of the mesh's height above the mesh's middle: hair belongs to it."""
HEAD_FALLOFF = (0.9, 1.75)
NECK_DROP = 0.75
"""Roll turns about a point this many mesh heights below the mesh's middle."""
DEEPEST, NEAREST = -0.15, 0.5
"""Bounds of the depth in mesh widths."""
BEHIND_EARS = -0.10
YAW_CARRY = 0.10
"""Turning also carries the whole head sideways, since the axis lies behind the face."""
BREATH_HEAD = 0.5
BREATH_SPREAD = 0.25
BROW_LIFT = 0.022
BROW_REACH = (0.20, 0.13)
"""Brow lift and reach in eye spans."""
DEPTH_SAMPLING = 3


def motion_fields(landmarks: NDArray[np.floating], size: int, grid: int = GRID) -> NDArray[np.float32]:
    """Motion fields for one still.

    Args:
        landmarks: (468, 3) face mesh in pixels of the still; z smaller is nearer.
        size: side of the square still in pixels.
        grid: points per side of the fields; the corner points are the still's corner pixels.

    Returns:
        (7, grid, grid, 2) displacement (x, y) in pixels per unit, one field per entry of ``MOTIONS``; 0 at
        the left, top and right rim.
    """
    axis = np.linspace(0, size - 1, grid)
    x, y = np.meshgrid(axis, axis)
    flat = landmarks[:, :2].astype(np.float64)
    low, high = flat.min(axis=0), flat.max(axis=0)
    middle, (width, height) = (low + high) / 2, high - low

    head = _head_weight(x, y, middle, width, height)
    edge = np.minimum(np.minimum(x, size - 1 - x), y)
    rim = smoothstep(0, RIM * size, edge)
    head *= rim
    depth = _depth(landmarks, x, y, middle, width, height) * head
    neck_x, neck_y = middle[0], middle[1] + NECK_DROP * height
    chest = smoothstep(middle[1] + 0.45 * height, middle[1] + 1.1 * height, y) * rim
    none = np.zeros_like(x)
    fields = {
        "shift_x": (head, none),
        "shift_y": (none, head),
        "roll": (-(y - neck_y) * head, (x - neck_x) * head),
        "yaw": (depth + YAW_CARRY * width * head, none),
        "pitch": (none, depth),
        "breath": (
            BREATH_SPREAD * chest * (x - middle[0]) / width,
            -(chest + BREATH_HEAD * head * (1 - chest)),
        ),
        "brows": (none, -_brow_lift(flat, x, y) * rim),
    }
    return np.array([np.stack(fields[name], axis=-1) for name in MOTIONS], np.float32)


def _head_weight(
    x: NDArray[np.float64], y: NDArray[np.float64], middle: NDArray[np.float64], width: float, height: float
) -> NDArray[np.float64]:
    """1 on the head, 0 in the background."""
    across = (x - middle[0]) / (HEAD_REACH[0] * width)
    along = (y - (middle[1] - HEAD_RISE * height)) / (HEAD_REACH[1] * height)
    return 1 - smoothstep(*HEAD_FALLOFF, np.hypot(across, along))


def _depth(
    landmarks: NDArray[np.floating],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    middle: NDArray[np.float64],
    width: float,
    height: float,
) -> NDArray[np.float64]:
    """Height of the head towards the camera over the plane of the face's outline, in pixels."""
    relief = -(landmarks[:, 2] - landmarks[list(OVAL), 2].mean())
    relief = np.maximum(relief[::DEPTH_SAMPLING], DEEPEST * width)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    around = middle + np.column_stack([width * np.cos(turn), height * np.sin(turn)])
    places = np.vstack([landmarks[::DEPTH_SAMPLING, :2], around])
    values = np.concatenate([relief, np.full(len(turn), BEHIND_EARS * width)])
    surface = RBFInterpolator(places, values, kernel="linear", smoothing=3)
    depth = surface(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    return cv2.GaussianBlur(np.clip(depth, DEEPEST * width, NEAREST * width), (0, 0), 0.8)


def _brow_lift(
    points: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far raised brows rise, in pixels."""
    span = float(np.linalg.norm(points[EYE_OUTER_LEFT] - points[EYE_OUTER_RIGHT]))
    bumps = [
        np.exp(
            -(((x - points[i, 0]) / (BROW_REACH[0] * span)) ** 2)
            - ((y - points[i, 1]) / (BROW_REACH[1] * span)) ** 2
        )
        for i in BROW_TOPS
    ]
    return BROW_LIFT * span * np.minimum(np.sum(bumps, axis=0), 1.0)
