"""What is seen between the lips: cavity, tongue, and two rows of teeth.

Colours are BGR 0..1. Teeth and tongue take their light from the skin's brightness and tint, so that they
belong to the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.curves import smoothstep
from precompute.mouth.shapes import MouthShape
from precompute.mouth.smile import OwnTeeth

Floats32 = NDArray[np.float32]

TEETH_FILE = Path(__file__).parent.parent / "assets" / "teeth.png"
TEETH_SCALE = 600.0
"""Pixels of the teeth picture per eye span."""
TEETH_CENTRE = 192.8
UPPER_ROWS, UPPER_EDGE = 70, 53.0
LOWER_ROWS, LOWER_EDGE = 60, 13.0
"""Lines of each row of teeth in the picture, and the line of its biting edge at the centre."""
TEETH_GAIN = 1.04

TYPICAL_SKIN = np.array([0.56, 0.63, 0.80])
TYPICAL_BRIGHTNESS = 0.62
CAVITY_DARK = np.array([0.045, 0.035, 0.085])
CAVITY_LOW = np.array([0.16, 0.14, 0.34])
TONGUE = np.array([0.40, 0.41, 0.70])
SHADOW_TINT = np.array([1.15, 1.10, 0.80])
"""Exponents of a shadow's depth per channel: shadows in a mouth are reddish."""


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """The drawn opening of one shape; every array covers the same rectangle of drawn pixels.

    Attributes:
        x: mouth coordinate of each pixel.
        y: mouth coordinate of each pixel.
        upper: y of the upper lip's inner edge above or below each pixel.
        lower: y of the lower lip's inner edge.
        depth: distance to the nearest lip edge inside the opening.
        half_width: half the distance between the corners.
        gap: greatest distance between the lips.
        seam: y where the lips meet at rest, at the middle.
        source_x: where each pixel lies in the source.
        source_y: where each pixel lies in the source.
    """

    x: Floats32
    y: Floats32
    upper: Floats32
    lower: Floats32
    depth: Floats32
    half_width: float
    gap: float
    seam: float
    source_x: Floats32
    source_y: Floats32


class Interior:
    """Paints the inside of one person's mouth.

    Args:
        skin: (3,) mean colour of the cheeks, BGR 0..1.
        lip: (3,) colour of the lower lip.
        highlight: brightest of the face, 0..1; teeth in a dark photo do not shine.
        own: the photo's own teeth, when it shows some.
    """

    def __init__(
        self, skin: NDArray[np.float64], lip: NDArray[np.float64], highlight: float, own: OwnTeeth | None
    ) -> None:
        self._lip, self._own = lip, own
        brightness = float(np.clip(skin.mean() / TYPICAL_BRIGHTNESS, 0.45, 1.15))
        brightness = min(brightness, highlight / TYPICAL_BRIGHTNESS)
        tint = (skin / skin.mean()) / (TYPICAL_SKIN / TYPICAL_SKIN.mean())
        tint = np.clip(tint, 0.3, 1.8) ** 0.6
        self._light = np.clip(brightness * tint / tint.max() * (0.5 + 0.5 * tint.max()), 0.05, 1.15)
        self._upper, self._lower = _teeth_rows()

    def paint(self, opening: Opening, shape: MouthShape) -> Floats32:
        """(h, w, 3) picture of the inside, wherever the lips leave it free."""
        side = 1 - smoothstep(0.45, 1.0, np.abs(opening.x) / opening.half_width) * 0.75
        picture = self._cavity(opening)
        picture = self._low_tongue(picture, opening, shape)
        picture = self._lower_teeth(picture, opening, shape, side)
        if shape.tongue:
            picture = self._raised_tongue(picture, opening, shape, in_front=False)
        if self._own is None:
            picture = self._upper_teeth(picture, opening, shape, side)
        else:
            picture = self._own_teeth(picture, opening, shape)
        if shape.tongue:
            picture = self._raised_tongue(picture, opening, shape, in_front=True)
        rim = (np.exp(-opening.depth / 0.008) * 0.5)[..., None]
        inner_lip = self._lip * (0.36, 0.36, 0.48)
        return (picture * (1 - rim) + inner_lip * rim).astype(np.float32)

    def _cavity(self, opening: Opening) -> NDArray[np.floating]:
        down = np.clip((opening.y - opening.upper) / (opening.lower - opening.upper + 1e-4), 0, 1)[..., None]
        dark, low = CAVITY_DARK * self._light, CAVITY_LOW * self._light
        return dark * (1 - down) + (dark * 0.55 + low * 0.45) * down

    def _low_tongue(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape
    ) -> NDArray[np.floating]:
        """The tongue's back, low in an open mouth, riding on the jaw."""
        reach_x, reach_y = 0.17 - 0.04 * shape.round, 0.075
        top = opening.seam + 0.045 + shape.jaw * 0.55
        away = (opening.x / reach_x) ** 2 + ((opening.y - top - reach_y * 0.6) / reach_y) ** 2
        cover = (1 - smoothstep(0.55, 1.05, away)) * smoothstep(0.03, 0.09, opening.gap)
        groove = 0.12 * np.exp(-((opening.x / 0.010) ** 2))
        shade = 0.50 + 0.35 * np.exp(-((opening.x / 0.10) ** 2)) * np.clip(1.2 - away, 0, 1) - groove
        return _over(picture, TONGUE * self._light * shade[..., None], cover)

    def _raised_tongue(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape, in_front: bool
    ) -> NDArray[np.floating]:
        """The tip at the upper teeth (l); at full strength also over their edge (th)."""
        edge = self._upper_edge(opening, shape)
        top = edge + (0.010 - 0.016 * shape.tongue)
        reach_x, reach_y = 0.105, 0.055
        away = (opening.x / reach_x) ** 2 + ((opening.y - top - reach_y) / reach_y) ** 2
        cover = (1 - smoothstep(0.78, 1.04, away)) * min(1.0, 2 * shape.tongue)
        if in_front:
            cover = cover * float(smoothstep(0.5, 1.0, shape.tongue)) * 0.92
        from_edge = np.clip((opening.y - top) / 0.05, 0, 1)
        shade = 0.66 + 0.30 * np.exp(-(((from_edge - 0.35) / 0.30) ** 2)) - 0.18 * (away > 0.6) * (away - 0.6)
        shade = shade * (0.70 + 0.30 * smoothstep(0, 0.03, opening.depth))
        return _over(picture, TONGUE * self._light * shade[..., None], cover)

    def _upper_edge(self, opening: Opening, shape: MouthShape) -> float:
        """The upper teeth belong to the skull; round lips reach further over them."""
        return opening.seam + 0.019 + 0.006 * shape.spread - 0.014 * shape.round

    def _dimming(self, opening: Opening, shape: MouthShape) -> float:
        """Little light gets through a narrow or a protruded opening."""
        slit = 0.42 + 0.58 * float(smoothstep(0.008, 0.062, opening.gap))
        slit = slit * (1 - shape.bite) + shape.bite
        return slit * (1 - 0.55 * shape.round)

    def _upper_teeth(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape, side: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        shadow = 0.50 + 0.50 * smoothstep(-0.005, 0.042, opening.y - opening.upper)
        shadow = shadow * (0.72 + 0.28 * smoothstep(0, 0.022, opening.depth)) * side**0.5
        bitten = 0.66 + 0.24 * smoothstep(0, 0.02, opening.depth)
        shadow = shadow * (1 - shape.bite) + bitten * shape.bite
        edge = self._upper_edge(opening, shape)
        return self._put_row(
            picture, opening, self._upper, UPPER_EDGE, edge, shadow * self._dimming(opening, shape)
        )

    def _lower_teeth(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape, side: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """They ride on the jaw, a little behind the upper ones."""
        edge = opening.seam + 0.010 + shape.jaw + 0.010 * shape.aperture
        shadow = (0.60 + 0.36 * smoothstep(0, 0.022, opening.depth)) * side
        return self._put_row(
            picture, opening, self._lower, LOWER_EDGE, edge, shadow * self._dimming(opening, shape)
        )

    def _put_row(
        self,
        picture: NDArray[np.floating],
        opening: Opening,
        row: Floats32,
        row_edge: float,
        edge: float,
        shadow: NDArray[np.floating],
    ) -> NDArray[np.floating]:
        x = (TEETH_CENTRE + opening.x * TEETH_SCALE).astype(np.float32)
        y = np.clip(row_edge + (opening.y - edge) * TEETH_SCALE, 0, row.shape[0] - 1).astype(np.float32)
        teeth = cv2.remap(row, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        colour = teeth[..., :3] * (TEETH_GAIN * self._light) * shadow[..., None] ** SHADOW_TINT
        return _over(picture, colour, teeth[..., 3])

    def _own_teeth(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape
    ) -> NDArray[np.floating]:
        """The photo's own teeth stay where they are, behind the moving lips."""
        assert self._own is not None
        # Towards the corners the cheek's inside shows, not a black hole.
        corner = (0.75 * smoothstep(0.5, 0.95, np.abs(opening.x) / opening.half_width))[..., None]
        picture = picture * (1 - corner) + self._lip * (0.26, 0.27, 0.38) * corner
        look = (opening.source_x, opening.source_y)
        mask = cv2.GaussianBlur(cv2.remap(self._own.inside, *look, cv2.INTER_LINEAR), (0, 0), 1.5) / 255.0
        teeth = cv2.remap(self._own.source, *look, cv2.INTER_CUBIC).astype(np.float32) / 255
        shadow = 0.62 + 0.38 * smoothstep(0, 0.035, opening.y - opening.upper)
        shadow = shadow * (0.75 + 0.25 * smoothstep(0, 0.022, opening.depth))
        bitten = 0.66 + 0.24 * smoothstep(0, 0.02, opening.depth)
        shadow = (shadow * (1 - shape.bite) + bitten * shape.bite) * self._dimming(opening, shape)
        return _over(picture, teeth * shadow[..., None] ** SHADOW_TINT, mask * (1 - 0.6 * shape.round))


def _over(
    below: NDArray[np.floating], colour: NDArray[np.floating], cover: NDArray[Any]
) -> NDArray[np.floating]:
    return below + (colour - below) * cover[..., None]


def _teeth_rows() -> tuple[Floats32, Floats32]:
    """Upper and lower row, (rows, width, 4) BGR and cover 0..1."""
    picture = cv2.imread(str(TEETH_FILE), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.shape[0] != UPPER_ROWS + LOWER_ROWS or picture.shape[2] != 4:
        raise FileNotFoundError(f"{TEETH_FILE} is missing or damaged; install the package again.")
    rows = picture.astype(np.float32) / np.float32(255)
    return rows[:UPPER_ROWS].astype(np.float32), rows[UPPER_ROWS:].astype(np.float32)
