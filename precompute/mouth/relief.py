"""Light and shade that come with a mouth's movement.

A warp moves a photo's shading along, but a lip that is pushed forward catches light on its front and throws
shade below, and a cheek that is drawn long turns hollow. Light is taken to come from above and in front, as
in nearly every portrait. Lengths are in eye spans, amounts are shares of brightness; both were found by eye.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.curves import smoothstep
from precompute.mouth.geometry import Contours, Floats, dense
from precompute.mouth.shapes import MouthShape

Floats32 = NDArray[np.float32]

COARSENESS = 2
"""Drawn pixels per point at which light is computed: it is smooth."""
TINT = np.array([1.14, 1.05, 0.90], np.float32)
"""Exponents per channel: light that comes through skin is red."""
LOWER_FRONT, LOWER_UNDER, BELOW_LIP = 0.15, -0.09, -0.20
UPPER_RIDGE, UPPER_FRONT = 0.07, -0.13
CORNER_FOLD, CORNER_HOLLOW = -0.10, -0.08
SOFT_SEAM = 0.28
"""What pushed-forward lips gain and lose."""
REDDENED, LIP_SOFTNESS = 0.55, 0.010
"""How far their colour becomes that of the lip's middle, and the softness of the red's rim."""
HOLLOW_CHEEK, LONG_FOLD = -0.06, -0.03
"""Cheeks beside a wide open mouth."""
SPREAD_FOLD, SPREAD_CHEEK = -0.055, 0.03
"""Cheeks of a spread mouth."""
PRESSED_SEAM, PRESSED_BULGE, PRESSED_CORNER = 0.12, 0.02, -0.12
"""Lips that are pressed together: they meet flat, and the shade between them is a thin line."""
TUCKED = -0.14
"""The hollow under a lip that is tucked behind the teeth."""
WET = 0.10
"""A wet line along the inside of the lower lip."""


@dataclass(frozen=True, slots=True, eq=False)
class Cheeks:
    """Where a face's folds run.

    Attributes:
        wing: (2,) outside of a nostril's wing, mirrored to x > 0.
        chin: height of the chin.
        smiling: 0..1, how much the photo's own folds show already.
    """

    wing: Floats
    chin: float
    smiling: float


class Relief:
    """Relights one mouth.

    Args:
        x: (h, w) mouth coordinates of the drawn pixels.
        y: (h, w).
        cheeks: where folds run.
        lip: (3,) colour of the lower lip, BGR 0..1.
        redness: how far lips become that colour at rest, 0..1; a smile has pulled the red off their ends.
    """

    def __init__(self, x: Floats32, y: Floats32, cheeks: Cheeks, lip: Floats, redness: float = 0.0) -> None:
        n = COARSENESS
        self._size = (x.shape[1], x.shape[0])
        small = (-(-x.shape[1] // n), -(-x.shape[0] // n))
        self._x = np.asarray(cv2.resize(x, small, interpolation=cv2.INTER_AREA), np.float32)
        self._y = np.asarray(cv2.resize(y, small, interpolation=cv2.INTER_AREA), np.float32)
        self._cheeks, self._lip, self._redness = cheeks, lip.astype(np.float32), redness

    def light(self, skin: Floats32, shape: MouthShape, edges: Contours) -> Floats32:
        """The drawn skin (h, w, 3), 0..1, in the light of ``shape``."""
        gain = np.zeros_like(self._x)
        half = float(edges.inner_upper[-1, 0] - edges.inner_upper[0, 0]) / 2
        corner = float(edges.inner_upper[[0, -1], 1].mean())
        rows = [np.interp(self._x, e[:, 0], e[:, 1]).astype(np.float32) for e in map(dense, edges.all())]
        if shape.round:
            gain += shape.round * self._pushed(half, corner, *rows)
        if shape.press:
            gain += shape.press * self._pressed(half, corner, *rows)
        if shape.bite:
            gain += shape.bite * TUCKED * self._below(rows[1], half, 0.016, 0.022)
        if shape.parted:
            inner_lower = rows[3]
            wet = _bell(self._y - inner_lower - 0.011, 0.006) * _bell(self._x, 0.42 * half)
            gain += (WET * shape.parted) * wet
        gain += self._cheek_light(shape, half, corner)
        if reddened := max(shape.round, self._redness):
            skin = self._redden(skin, reddened, half, *rows)
        if not gain.any():
            return skin
        full = cv2.resize(gain, self._size, interpolation=cv2.INTER_LINEAR)
        return np.minimum(skin * (1 + full[..., None]) ** TINT, 1).astype(np.float32)

    def _pushed(
        self,
        half: float,
        corner: float,
        outer_upper: Floats32,
        outer_lower: Floats32,
        inner_upper: Floats32,
        inner_lower: Floats32,
    ) -> Floats32:
        x, y = self._x, self._y
        beside = np.abs(x) / half
        within = 1 - smoothstep(0.70, 1.02, beside)
        down = (y - inner_lower) / np.maximum(outer_lower - inner_lower, 0.01)
        lower = within * ((down > -0.2) & (down < 1.3))
        gain = LOWER_FRONT * lower * _bell(down - 0.40, 0.26) * _bell(beside, 0.55)
        gain += LOWER_UNDER * lower * _bell(down - 0.95, 0.22)
        down = (y - outer_upper) / np.maximum(inner_upper - outer_upper, 0.01)
        upper = within * ((down > -0.8) & (down < 1.2))
        gain += UPPER_RIDGE * upper * _bell(down + 0.02, 0.20)
        gain += UPPER_FRONT * upper * smoothstep(0.25, 1.0, down)
        gain += BELOW_LIP * self._below(outer_lower, half, 0.020, 0.026)
        touching = within * (1 - smoothstep(0.001, 0.008, inner_lower - inner_upper))
        gain += SOFT_SEAM * touching * _bell(y - (inner_upper + inner_lower) / 2, 0.012)
        away = (np.abs(x) - half) ** 2 + (0.7 * (y - corner)) ** 2
        gain += CORNER_FOLD * np.exp(-away / 0.020**2)
        away = (np.abs(x) - half - 0.03) ** 2 + (0.6 * (y - corner)) ** 2
        return (gain + CORNER_HOLLOW * np.exp(-away / 0.055**2)).astype(np.float32)

    def _redden(
        self,
        skin: Floats32,
        amount: float,
        half: float,
        outer_upper: Floats32,
        outer_lower: Floats32,
        inner_upper: Floats32,
        inner_lower: Floats32,
    ) -> Floats32:
        """Lips that turn outwards show more red, also where the photo has none."""
        soft = LIP_SOFTNESS
        red = smoothstep(-soft, soft, self._y - outer_upper) * smoothstep(-soft, soft, outer_lower - self._y)
        red *= 1 - smoothstep(0.70, 0.98, np.abs(self._x) / half)
        red = cv2.resize((REDDENED * amount) * red, self._size, interpolation=cv2.INTER_LINEAR)
        bright = skin.mean(axis=-1) / self._lip.mean()
        # A wet spot keeps its colour.
        red *= 1 - smoothstep(1.35, 1.8, bright)
        return (skin + (self._lip * bright[..., None] - skin) * red[..., None]).astype(np.float32)

    def _pressed(
        self,
        half: float,
        corner: float,
        outer_upper: Floats32,
        outer_lower: Floats32,
        inner_upper: Floats32,
        inner_lower: Floats32,
    ) -> Floats32:
        beside = np.abs(self._x) / half
        within = 1 - smoothstep(0.75, 1.0, beside)
        gain = PRESSED_SEAM * within * _bell(self._y - inner_upper, 0.010)
        gain += PRESSED_BULGE * within * _bell(self._y - outer_lower - 0.016, 0.018)
        gain += PRESSED_BULGE * within * _bell(self._y - outer_upper + 0.012, 0.014)
        away = (np.abs(self._x) - half) ** 2 + (self._y - corner) ** 2
        return (gain + PRESSED_CORNER * np.exp(-away / 0.022**2)).astype(np.float32)

    def _below(self, outer_lower: Floats32, half: float, drop: float, spread: float) -> Floats32:
        """The hollow between lower lip and chin."""
        off = self._y - outer_lower
        hollow = _bell(off - drop, spread) * smoothstep(-0.004, 0.012, off) * _bell(self._x, 0.80 * half)
        return hollow.astype(np.float32)

    def _cheek_light(self, shape: MouthShape, half: float, corner: float) -> Floats32:
        x, y, wing = np.abs(self._x), self._y, self._cheeks.wing
        opened = float(smoothstep(0.25, 1.0, shape.aperture)) * (1 - shape.round)
        spread = shape.spread * (1 - self._cheeks.smiling)
        gain = np.zeros_like(x)
        if opened:
            tall = smoothstep(wing[1] - 0.05, corner, y) * (1 - smoothstep(0.5, 1.0, y / self._cheeks.chin))
            gain += (HOLLOW_CHEEK * opened) * _bell(x - half - 0.16, 0.07) * tall
        fold = SPREAD_FOLD * spread + LONG_FOLD * opened * (1 - self._cheeks.smiling)
        if fold:
            foot = np.array([half + 0.055, corner + 0.03])
            share = np.clip((y - wing[1]) / (foot[1] - wing[1]), 0, 1)
            line = wing[0] + 0.02 + (foot[0] - wing[0] - 0.02) * share**0.85
            fade = smoothstep(0, 0.25, share) * (1 - smoothstep(foot[1] - 0.03, foot[1] + 0.06, y))
            gain += fold * fade * _bell(x - line, 0.034)
            gain += SPREAD_CHEEK * spread * fade * _bell(x - line - 0.055, 0.040)
        return gain


def _bell(x: NDArray[np.floating], width: float) -> NDArray[np.floating]:
    return np.exp(-((x / width) ** 2))
