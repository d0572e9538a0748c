"""What is seen between the lips: cavity, tongue, and two rows of teeth.

Colours are BGR 0..1. Teeth and tongue take their light from the skin's brightness and tint, so that they
belong to the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.curves import smoothstep
from precompute.mouth.dentition import CENTRE, ENAMEL, SCALE, Row, lower_row, upper_row
from precompute.mouth.geometry import OwnTeeth
from precompute.mouth.shapes import MouthShape

Floats32 = NDArray[np.float32]

TYPICAL_SKIN = np.array([0.56, 0.63, 0.80])
TYPICAL_BRIGHTNESS = 0.62
CAVITY_DARK = np.array([0.040, 0.042, 0.095])
CAVITY_LOW = np.array([0.15, 0.14, 0.32])
CHEEK = np.array([0.21, 0.24, 0.45])
"""The cheeks' inside at the corners, as shares of the lip's brightness."""
TONGUE = np.array([0.40, 0.40, 0.72])
SHADOW_TINT = np.array([1.16, 1.10, 0.82])
"""Exponents of a shadow's depth per channel: shadows in a mouth are reddish."""
TEETH_GAIN = 1.08
OWN_GAIN = 0.45, 1.25
"""Drawn teeth beside a photo's own are at most this much darker and brighter than they would be."""
BEHIND_OWN = 0.004
"""Drawn teeth end this far above a photo's own ones, so that they never show below them."""


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
        self._enamel = TEETH_GAIN * self._light
        if own is not None:
            self._enamel = self._enamel * np.clip(own.colour / (ENAMEL * self._enamel), *OWN_GAIN)
        self._upper, self._lower = upper_row(), lower_row()

    def paint(self, opening: Opening, shape: MouthShape) -> Floats32:
        """(h, w, 3) picture of the inside, wherever the lips leave it free."""
        # The tongue lies behind the lower teeth for l, and over them for th.
        forward = float(smoothstep(0.5, 1.0, shape.tongue))
        picture = self._cavity(opening)
        picture = self._low_tongue(picture, opening, shape)
        if shape.tongue:
            picture = self._raised_tongue(picture, opening, shape, forward)
        picture = self._lower_teeth(picture, opening, shape)
        picture = self._upper_teeth(picture, opening, shape)
        if self._own is not None:
            picture = self._own_teeth(picture, opening, shape)
        if forward:
            picture = self._tip(picture, opening, shape, forward)
        rim = (0.40 * np.exp(-opening.depth / 0.007) + 0.22 * np.exp(-opening.depth / 0.022))[..., None]
        inner_lip = self._lip * (0.38, 0.38, 0.50)
        return (picture * (1 - rim) + inner_lip * rim).astype(np.float32)

    def _cavity(self, opening: Opening) -> NDArray[np.floating]:
        down = np.clip((opening.y - opening.upper) / (opening.lower - opening.upper + 1e-4), 0, 1)[..., None]
        dark, low = CAVITY_DARK * self._light, CAVITY_LOW * self._light
        picture = dark * (1 - down) + (dark * 0.55 + low * 0.45) * down
        # Towards the corners the cheeks' inside shows, not a black hole.
        corner = (0.90 * smoothstep(0.30, 0.95, np.abs(opening.x) / opening.half_width))[..., None]
        return picture * (1 - corner) + self._lip.mean() * CHEEK * corner

    def _low_tongue(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape
    ) -> NDArray[np.floating]:
        """The tongue's back, low in an open mouth, riding on the jaw."""
        reach_x, reach_y = 0.175 - 0.05 * shape.round, 0.080
        top = opening.seam + 0.045 + shape.jaw * 0.50
        away = (opening.x / reach_x) ** 2 + ((opening.y - top - reach_y * 0.6) / reach_y) ** 2
        cover = (1 - smoothstep(0.50, 1.05, away)) * smoothstep(0.03, 0.09, opening.gap)
        groove = 0.10 * np.exp(-((opening.x / 0.012) ** 2)) * smoothstep(0, 0.04, opening.y - top)
        lit = np.exp(-((opening.x / 0.10) ** 2)) * np.clip(1.2 - away, 0, 1)
        shade = 0.46 + 0.36 * lit - groove
        shade = shade * (0.62 + 0.38 * smoothstep(0, 0.035, opening.lower - opening.y))
        picture = _over(picture, TONGUE * self._light * shade[..., None], cover)
        wet = 0.10 * np.exp(-(((opening.y - top - 0.022) / 0.007) ** 2)) * np.exp(-((opening.x / 0.06) ** 2))
        return picture + (wet * cover * smoothstep(0.10, 0.16, opening.gap))[..., None] * self._light

    def _raised_tongue(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape, forward: float
    ) -> NDArray[np.floating]:
        """The tip behind the edge of the upper teeth, its blade coming up from the mouth's floor."""
        top = self._upper_edge(opening, shape) - 0.012
        off = opening.y - top
        reach = 0.085 + 0.9 * np.clip(off, 0, 0.08)
        cover = (1 - smoothstep(0.68, 1.05, np.abs(opening.x) / reach)) * smoothstep(-0.004, 0.004, off)
        cover = cover * min(1.0, 2 * shape.tongue)
        side = np.clip(np.abs(opening.x) / reach, 0, 1)
        # Under the teeth it is in their shade; below, its underside turns away from the light.
        shade = (0.50 + 0.50 * smoothstep(0.010, 0.028, off)) * (1 - 0.35 * smoothstep(0.045, 0.090, off))
        shade = shade * (1 - 0.30 * side**3) - 0.07 * np.exp(-((opening.x / 0.008) ** 2)) * (off > 0.012)
        shade = shade * (0.72 + 0.28 * smoothstep(0, 0.018, opening.depth)) * (1 - 0.15 * forward)
        picture = _over(picture, TONGUE * self._light * shade[..., None], cover)
        wet = np.exp(-(((off - 0.030) / 0.0055) ** 2)) * np.exp(-(((opening.x - 0.018) / 0.030) ** 2))
        return picture + (0.15 * wet * cover)[..., None] * self._light

    def _tip(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape, forward: float
    ) -> NDArray[np.floating]:
        """The tip between the teeth, over the lower ones: a flat round cushion."""
        top = self._upper_edge(opening, shape) - 0.010
        low = opening.seam + shape.jaw + 0.014 + 0.014 * forward
        middle, half = (top + low) / 2, max((low - top) / 2, 0.012)
        across = opening.x / 0.115
        v = (opening.y - middle) / (half * np.sqrt(np.clip(1 - 0.55 * across**2, 0.05, 1)))
        away = np.abs(across) ** 3.2 + np.abs(v) ** 2.6
        cover = (1 - smoothstep(0.84, 1.06, away)) * forward
        shade = 0.70 + 0.28 * np.exp(-(((v - 0.05) / 0.60) ** 2)) - 0.24 * np.clip(away, 0, 1) ** 2
        shade = shade - 0.10 * smoothstep(0.35, 1.0, v)
        picture = _over(picture, TONGUE * self._light * shade[..., None], cover)
        wet = np.exp(-(((v - 0.15) / 0.16) ** 2)) * (
            np.exp(-(((opening.x - 0.022) / 0.026) ** 2))
            + 0.5 * np.exp(-(((opening.x + 0.036) / 0.014) ** 2))
        )
        return picture + (0.17 * wet * cover)[..., None] * self._light

    def _upper_edge(self, opening: Opening, shape: MouthShape) -> float:
        """The upper teeth belong to the skull; round lips reach further over them."""
        return opening.seam + 0.016 + 0.006 * shape.spread - 0.022 * shape.round

    def _dimming(self, opening: Opening, shape: MouthShape) -> float:
        """Little light gets through a narrow or a protruded opening."""
        slit = 0.26 + 0.74 * float(smoothstep(0.008, 0.052, opening.gap))
        slit = slit * (1 - shape.bite) + 0.92 * shape.bite
        return slit * (1 - 0.80 * float(smoothstep(0.15, 0.95, shape.round)))

    def _under_lip(self, opening: Opening, shape: MouthShape) -> NDArray[np.floating]:
        """The upper lip's shadow on the teeth behind it, and the lips' over all that is near their edges."""
        shadow = 0.46 + 0.54 * smoothstep(-0.004, 0.034, opening.y - opening.upper)
        shadow = shadow * (0.70 + 0.30 * smoothstep(0, 0.022, opening.depth))
        bitten = 0.62 + 0.38 * smoothstep(-0.002, 0.018, opening.y - opening.upper)
        bitten = bitten * (0.70 + 0.30 * smoothstep(0, 0.006, opening.lower - opening.y))
        shadow = shadow * (1 - shape.bite) + bitten * shape.bite
        corner = 1 - 0.55 * smoothstep(0.55, 1.0, np.abs(opening.x) / opening.half_width)
        return shadow * corner * self._dimming(opening, shape)

    def _upper_teeth(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape
    ) -> NDArray[np.floating]:
        edge: float | NDArray[np.floating] = self._upper_edge(opening, shape)
        if self._own is not None:
            edge = self._own.edge - BEHIND_OWN + self._own.arc * opening.x**2
        return self._put_row(picture, opening, self._upper, edge, self._under_lip(opening, shape))

    def _lower_teeth(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape
    ) -> NDArray[np.floating]:
        """They ride on the jaw, a little behind the upper ones, and lie in the shade of everything."""
        edge = opening.seam + 0.013 + shape.jaw + 0.010 * shape.aperture
        shadow = (0.42 + 0.40 * smoothstep(0, 0.024, opening.depth)) * self._dimming(opening, shape)
        corner = 1 - 0.75 * smoothstep(0.25, 0.85, np.abs(opening.x) / opening.half_width)
        return self._put_row(picture, opening, self._lower, edge, shadow * corner)

    def _put_row(
        self,
        picture: NDArray[np.floating],
        opening: Opening,
        row: Row,
        edge: float | NDArray[np.floating],
        shadow: NDArray[np.floating],
    ) -> NDArray[np.floating]:
        x = (CENTRE + opening.x * SCALE).astype(np.float32)
        last = row.picture.shape[0] - 1
        y = np.clip(row.edge + (opening.y - edge) * SCALE, 0, last).astype(np.float32)
        teeth = cv2.remap(row.picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        colour = teeth[..., :3] * self._enamel * shadow[..., None] ** SHADOW_TINT
        return _over(picture, colour, teeth[..., 3])

    def _own_teeth(
        self, picture: NDArray[np.floating], opening: Opening, shape: MouthShape
    ) -> NDArray[np.floating]:
        """The photo's own teeth stay where they are, behind the moving lips."""
        assert self._own is not None
        look = (opening.source_x, opening.source_y)
        mask = cv2.GaussianBlur(cv2.remap(self._own.mask, *look, cv2.INTER_LINEAR), (0, 0), 1.2) / 255.0
        teeth = cv2.remap(self._own.source, *look, cv2.INTER_CUBIC).astype(np.float32) / 255
        shadow = self._under_lip(opening, shape)[..., None] ** SHADOW_TINT
        return _over(picture, teeth * shadow, mask)


def _over(
    below: NDArray[np.floating], colour: NDArray[np.floating], cover: NDArray[Any]
) -> NDArray[np.floating]:
    return below + (colour - below) * cover[..., None]
