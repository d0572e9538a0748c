"""Two rows of teeth, drawn tooth by tooth around the arch of a jaw.

Sizes are those of a grown person's permanent teeth as dental textbooks give them, rounded to a tenth of a
millimetre; the scatter between left and right is ours, because no mouth is symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.curves import smoothstep

Floats32 = NDArray[np.float32]

EYE_SPAN_MM = 92.0
"""Distance between the outer corners of the eyes of a usual face."""
SCALE = 600.0
"""Pixels of a drawn row per eye span."""
CENTRE = 192.0
"""Column of the mid-line."""
WIDTH = 384
SUPERSAMPLING = 2
ENAMEL = np.array([0.76, 0.84, 0.885])
NECK = np.array([0.65, 0.76, 0.84])
"""Colour of a tooth's body and of its part at the gum, BGR."""
GUM = np.array([0.42, 0.42, 0.66])
DEEP = np.array([0.30, 0.36, 0.48])
"""Colour between two teeth."""
CONTACT_MM = 1.8
"""From this far above their edges on neighbouring teeth touch, and nothing is seen between them."""


@dataclass(frozen=True, slots=True)
class _Tooth:
    """Millimetres: width and height as seen from its front, how far its edge lies above the row's edge, and
    the radius of its two lower corners (towards the mid-line, away from it).
    """

    width: float
    height: float
    short: float
    corners: tuple[float, float]


_UPPER = (
    _Tooth(8.5, 10.4, 0.0, (0.7, 1.5)), _Tooth(6.5, 9.0, 0.7, (1.1, 1.9)), _Tooth(7.5, 10.0, 0.3, (2.7, 3.1)),
    _Tooth(7.0, 8.6, 0.9, (2.4, 2.6)), _Tooth(6.7, 7.8, 1.4, (2.2, 2.4)), _Tooth(10.0, 7.4, 1.9, (1.6, 1.6)),
)  # fmt: skip
_LOWER = (
    _Tooth(5.3, 8.8, 0.0, (0.5, 0.6)), _Tooth(5.9, 9.2, 0.1, (0.6, 0.9)), _Tooth(6.8, 10.0, -0.2, (2.2, 2.5)),
    _Tooth(7.0, 8.4, 0.5, (2.2, 2.3)), _Tooth(7.1, 8.0, 1.0, (2.0, 2.0)), _Tooth(10.5, 7.5, 1.4, (1.6, 1.6)),
)  # fmt: skip
_SCATTER = ((0.0, 0.10, -0.15, 0.2, 0.1, 0.0), (0.08, -0.12, 0.1, 0.0, 0.2, 0.1))
"""Millimetres added to ``short``, per side and tooth."""
_TONE = ((1.0, 0.985, 0.95, 0.95, 0.94, 0.92), (1.012, 0.97, 0.955, 0.945, 0.94, 0.92))
"""Brightness per side and tooth; canines are darker than incisors."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One drawn row.

    Attributes:
        picture: (rows, WIDTH, 4) BGR and cover, 0..1.
        edge: line of the biting edge at the mid-line.
    """

    picture: Floats32
    edge: float


def upper_row() -> Row:
    """Teeth hang from the picture's first line; their edges look down."""
    return _draw(_UPPER, arch=(26.5, 34.0), rows=84, edge=70.0)


def lower_row() -> Row:
    """The same, standing on the picture's last line."""
    row = _draw(_LOWER, arch=(23.0, 30.0), rows=72, edge=62.0)
    turned = np.ascontiguousarray(row.picture[::-1])
    return Row(turned, len(turned) - row.edge)


def _draw(teeth: tuple[_Tooth, ...], arch: tuple[float, float], rows: int, edge: float) -> Row:
    n = SUPERSAMPLING
    scale = SCALE / EYE_SPAN_MM
    x = ((np.arange(WIDTH * n) + 0.5) / n - CENTRE) / scale
    y = ((np.arange(rows * n) + 0.5) / n - edge) / scale
    along, facing, depth = _on_arch(np.abs(x), *arch)
    colour = np.broadcast_to(DEEP, (len(y), len(x), 3)).copy()
    cover = np.zeros((len(y), len(x)))
    for side, sign in enumerate((-1, 1)):
        start = 0.0
        for k, tooth in enumerate(teeth):
            at = along - start
            start += tooth.width
            columns = np.flatnonzero((np.sign(x) == sign) & (at >= -0.3) & (at <= tooth.width + 0.3))
            if not len(columns):
                continue
            part = np.s_[:, columns]
            picture, shown = _tooth(at[columns], y, tooth, _SCATTER[side][k])
            picture *= _TONE[side][k]
            shown = shown[..., None]
            colour[part] = colour[part] * (1 - shown) + picture * shown
            touching = smoothstep(0, 0.6, -y - tooth.short - _SCATTER[side][k] - CONTACT_MM)[:, None]
            cover[part] = np.maximum(cover[part], np.maximum(shown[..., 0], touching))
    # Teeth further back turn away from the light and lie in the cheeks' shadow.
    light = (0.60 + 0.40 * facing**0.6) * np.exp(-depth / 55.0)
    colour *= light[None, :, None] ** np.array([1.12, 1.06, 0.94])
    size = (WIDTH, rows)
    small = cv2.resize(colour.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(cover.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return Row(np.dstack([small, mask]).astype(np.float32), edge)


def _on_arch(
    x: NDArray[np.float64], half_width: float, half_depth: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Per distance from the mid-line: length along the arch, how much it faces the front, and its depth."""
    angle = np.linspace(0, np.pi / 2, 800)
    across, back = half_width * np.sin(angle), half_depth * (1 - np.cos(angle))
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(across), np.diff(back)))])
    facing = np.cos(angle) * half_width / np.hypot(np.cos(angle) * half_width, np.sin(angle) * half_depth)
    along = np.interp(x, across, length, right=1e3)
    return along, np.interp(x, across, facing, right=0.0), np.interp(x, across, back, right=half_depth)


def _tooth(
    at: NDArray[np.float64], y: NDArray[np.float64], tooth: _Tooth, scatter: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Colour and cover of one tooth at places ``at`` (from its inner side) and heights ``y`` (edge at 0)."""
    middle = tooth.width / 2
    off = (at - middle)[None]
    up = -(y + tooth.short + scatter)[:, None]
    # Sides lean in towards the gum; the lower corners are round.
    half = middle - 0.05 - 0.030 * np.clip(up - 3.5, 0, 9)
    radius = np.where(off < 0, tooth.corners[0], tooth.corners[1])
    over = np.clip(np.abs(off) - (half - radius), 0, None) / radius
    foot = radius * (1 - np.sqrt(np.clip(1 - np.minimum(over, 1) ** 2, 0, 1)))
    soft = 0.16
    inside = smoothstep(-soft, soft, half - np.abs(off)) * smoothstep(-soft, soft, up - foot)
    turn = np.clip(np.abs(off) / half, 0, 1)
    height = np.clip(up / tooth.height, 0, 1)
    shade = 1 - 0.20 * turn**3 - 0.07 * turn
    shade = shade * (0.90 + 0.10 * smoothstep(0.0, 1.6, up - foot))
    shade = shade + 0.055 * np.exp(-(((off + 0.12 * tooth.width) / (0.16 * tooth.width)) ** 2)) * np.exp(
        -(((height - 0.38) / 0.22) ** 2)
    )
    neck = smoothstep(0.35, 1.0, height)[..., None]
    clear = (1 - smoothstep(0.2, 1.5, up - foot))[..., None] * np.array([-0.005, 0.02, 0.04])
    picture = (ENAMEL * (1 - neck) + NECK * neck - clear) * shade[..., None]
    gum = smoothstep(0, 0.5, up - tooth.height + 1.2 * turn**2)[..., None]
    return picture * (1 - gum) + GUM * gum, inside
