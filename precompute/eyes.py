"""Draws a portrait's eyes with lowered lids and turned gaze.

The upper lid is pulled down over the eye like a blind: its skin comes from a copy in which eyeball and lashes
are painted over with skin; then its shadow and a lash line are drawn. The gaze is a small shift inside the
opening.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from precompute.curves import smoothstep
from precompute.grain import photo_grain
from precompute.mesh_points import (
    BROW_LEFT,
    BROW_RIGHT,
    CREASE_LEFT,
    CREASE_RIGHT,
    EYE_LOWER_LEFT,
    EYE_LOWER_RIGHT,
    EYE_UPPER_LEFT,
    EYE_UPPER_RIGHT,
)
from precompute.mouth.geometry import MouthFrame
from precompute.mouth.raster import fill_places
from precompute.mouth.warp import Warp
from precompute.portrait import OVERSAMPLING, Portrait
from precompute.rects import Rect, even_rect, feather

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

SIDE_PAD = 0.30
"""Drawn beside each eye, in eye widths."""
BELOW = 0.12
"""Drawn below the lower lid, in eye spans."""
FEATHER = 0.05
ROUNDING, SMOOTHING = 0.02, 1e-4
GAZE_SHIFT = np.array([0.018, 0.009])
"""How far the iris moves at full gaze, in eye spans."""
LASH_BAND = 0.105
"""Lashes are looked for this far above the lid's edge."""
LASH_DARK = 0.86
"""Pixels darker than this much of the lid's skin are lashes."""
CREASE_FOLLOWS = 0.62
"""Share of the lid's movement that its crease takes part in."""
LASH_LINE, LID_SHADOW = 0.66, 0.30
LASH_TINT = np.array([1.08, 1.04, 0.92])
"""How much of the lash line each channel (BGR) takes: lashes are brown, not blue."""
BROW_CLEARANCE = 0.5
"""Lashes are not looked for beyond this share of the way from the lid to the brow."""
LASH_GAPS = 0.03
"""Skin between lashes narrower than this belongs to them."""
FOLD, FOLD_HALF_WIDTH = 0.16, 0.010
"""How dark the lid's crease is on a closed eye, and how wide."""
LID_TONE, LID_TURNING = 0.05, 0.10
"""A closed lid is this much darker than the skin above, and this much more towards the lashes."""
LID_TINT = np.array([1.15, 1.05, 0.75])
"""How much of that each channel (BGR) takes: lids are thin and reddish."""
GRAIN = 1.6
"""Grain of plain skin over the photo's, at the source's resolution."""


@dataclass(frozen=True, slots=True, eq=False)
class _Eye:
    """Edges of one eye in mouth coordinates, each running to the picture's right."""

    upper: Floats
    lower: Floats
    crease: Floats
    brow: Floats

    @property
    def gap(self) -> Floats:
        return np.maximum(
            np.interp(self.upper[:, 0], self.lower[:, 0], self.lower[:, 1]) - self.upper[:, 1], 0
        )

    @property
    def width(self) -> float:
        return float(self.upper[-1, 0] - self.upper[0, 0])

    def bounds(self) -> tuple[Floats, Floats]:
        """Low and high corner of what moves."""
        pad = SIDE_PAD * self.width
        low = np.array([self.upper[0, 0] - pad, self.brow[:, 1].min() - 0.02])
        return low, np.array([self.upper[-1, 0] + pad, self.lower[:, 1].max() + BELOW])


class EyeRenderer:
    """Draws eye pictures over the portrait.

    Attributes:
        rect: x, y, width, height of one rectangle over both eyes in pixels of the frame, all even.

    Args:
        portrait: the person.
    """

    def __init__(self, portrait: Portrait) -> None:
        frame = MouthFrame.of(portrait.landmarks)
        points = frame.to_mouth(portrait.landmarks[:, :2])
        self._source = portrait.source
        self._eyes = [
            _Eye(
                _rising(points, upper), _rising(points, lower), _rising(points, crease), _rising(points, brow)
            )
            for upper, lower, crease, brow in (
                (EYE_UPPER_RIGHT, EYE_LOWER_RIGHT, CREASE_RIGHT, BROW_RIGHT),
                (EYE_UPPER_LEFT, EYE_LOWER_LEFT, CREASE_LEFT, BROW_LEFT),
            )
        ]
        low = np.min([eye.bounds()[0] for eye in self._eyes], axis=0)
        high = np.max([eye.bounds()[1] for eye in self._eyes], axis=0)
        pixels = frame.to_pixels(np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])]))
        self.rect: Rect = even_rect(pixels.min(axis=0), pixels.max(axis=0), portrait.size)
        x, y, w, h = self.rect
        self._behind = portrait.frame[y : y + h, x : x + w].astype(np.float32)
        self._alpha = feather(self.rect, FEATHER * frame.unit)[..., None]
        self._warp = Warp(frame, self.rect, ROUNDING, SMOOTHING, cell=1)
        self._frame = frame
        self._bare = [_without_lashes(portrait.source, frame, eye) for eye in self._eyes]
        noise = np.random.default_rng(5).normal(0, GRAIN * photo_grain(portrait), self._warp.x.shape)
        self._noise = noise.astype(np.float32)[..., None]
        self._lids: dict[float, list[tuple[Floats32, Floats32, Floats]]] = {}

    def render(self, lid: float = 0.0, gaze: tuple[float, float] = (0.0, 0.0)) -> Floats32:
        """The drawn rectangle (h, w, 3), BGR 0..255, blended into the portrait at its edges.

        Args:
            lid: 0 open as in the portrait .. 1 closed.
            gaze: (x, y) in -1..1, to the picture's right and down.
        """
        drawn = self._gaze(gaze)
        if lid > 0:
            if lid not in self._lids:
                self._lids[lid] = [self._pull(eye, lid) for eye in self._eyes]
            for eye, bare, pulled in zip(self._eyes, self._bare, self._lids[lid], strict=True):
                drawn = self._cover(drawn, eye, bare, lid, *pulled)
        _, _, w, h = self.rect
        small = cv2.resize(drawn, (w, h), interpolation=cv2.INTER_AREA)
        return np.clip(self._behind + (small - self._behind) * self._alpha, 0, 255).astype(np.float32)

    def _gaze(self, gaze: tuple[float, float]) -> Floats32:
        """The open eyes at the source's resolution, looking somewhere."""
        still = Warp.look_up(self._source, self._warp.source_x, self._warp.source_y).astype(np.float32)
        if not any(gaze):
            return still
        x, y = self._warp.places_x, self._warp.places_y
        inside, opening = np.zeros_like(x), np.zeros_like(x)
        for eye in self._eyes:
            upper = np.interp(x, eye.upper[:, 0], eye.upper[:, 1])
            lower = np.interp(x, eye.lower[:, 0], eye.lower[:, 1])
            middle = (eye.upper[0, 0] + eye.upper[-1, 0]) / 2
            across = np.clip(1 - np.abs((x - middle) / (0.52 * eye.width)) ** 2.5, 0, 1)
            within = (x > eye.upper[0, 0]) & (x < eye.upper[-1, 0])
            inside += within * across
            opening += within * smoothstep(0, 0.012, y - upper) * smoothstep(0, 0.012, lower - y)
        shift = (np.array(gaze) * GAZE_SHIFT) @ self._frame.axes * self._frame.unit * OVERSAMPLING
        moved = Warp.look_up(
            self._source,
            (self._warp.source_x - shift[0] * inside).astype(np.float32),
            (self._warp.source_y - shift[1] * inside).astype(np.float32),
        )
        # Lids stay: what moves is only seen through the opening.
        return (still + (moved - still) * opening[..., None]).astype(np.float32)

    def _pull(self, eye: _Eye, lid: float) -> tuple[Floats32, Floats32, Floats]:
        """Where the lid's skin comes from, and the lid's edge (n, 2)."""
        drop = np.zeros_like(eye.upper)
        drop[:, 1] = (eye.gap + 0.006) * lid
        crease_drop = np.zeros_like(eye.crease)
        crease_drop[:, 1] = np.interp(eye.crease[:, 0], eye.upper[:, 0], eye.gap) * lid * CREASE_FOLLOWS
        low, high = eye.bounds()
        ring = np.array(
            [[x, y] for x in np.linspace(low[0], high[0], 9) for y in (low[1], high[1])]
            + [[x, y] for y in np.linspace(low[1], high[1], 6) for x in (low[0], high[0])]
        )
        places = np.vstack([eye.upper, eye.crease, eye.brow, ring])
        targets = np.vstack([eye.upper + drop, eye.crease + crease_drop, eye.brow, ring])
        x, y = self._warp.maps(places, targets)
        return x, y, eye.upper + drop

    def _cover(
        self,
        drawn: Floats32,
        eye: _Eye,
        bare: NDArray[np.uint8],
        lid: float,
        source_x: Floats32,
        source_y: Floats32,
        edge: Floats,
    ) -> Floats32:
        """Lay the lowered lid over one eye."""
        low, high = eye.bounds()
        x, y = self._warp.places_x, self._warp.places_y
        inward = np.minimum(np.minimum(x - low[0], high[0] - x), np.minimum(y - low[1], high[1] - y))
        part = _window(inward > 0)
        x, y, inward = x[part], y[part], inward[part]
        skin = Warp.look_up(self._source, source_x[part], source_y[part]).astype(np.float32)
        skin_bare = Warp.look_up(bare, source_x[part], source_y[part]).astype(np.float32)
        skin += (skin_bare - skin) * np.float32(smoothstep(0.2, 0.8, lid))
        skin = self._shade_lid(skin, eye, lid, edge, part)

        left, right = eye.upper[0, 0], eye.upper[-1, 0]
        lid_edge = PchipInterpolator(edge[:, 0], edge[:, 1])(np.clip(x, edge[0, 0], edge[-1, 0]))
        beside = np.maximum(np.maximum(left - x, x - right), 0)
        off = y - lid_edge
        cover = 1 - smoothstep(-1, 1, (off - 0.006) / (0.009 + 0.5 * beside))
        shadow = LID_SHADOW * lid * np.exp(-np.maximum(off, 0) / 0.02) * ((off > 0) & (beside == 0))
        line = LASH_LINE * lid * np.exp(-((np.abs(off - 0.004) / 0.011) ** 2.2))
        line *= np.clip(1 - beside / 0.02, 0, 1)
        line *= smoothstep(left - 0.01, left + 0.06, x) * smoothstep(-right - 0.01, -right + 0.06, -x)
        was = drawn[part]
        now = skin * cover[..., None] + was * ((1 - shadow) * (1 - cover))[..., None]
        now *= 1 - line[..., None] * LASH_TINT
        drawn[part] = was + (now - was) * smoothstep(0, 0.05, inward)[..., None]
        return drawn

    def _shade_lid(
        self, skin: Floats32, eye: _Eye, lid: float, edge: Floats, part: tuple[slice, slice]
    ) -> Floats32:
        """Crease, tone and grain of a lowered lid; ``part`` is where it lies in the drawn rectangle."""
        x, y = self._warp.places_x[part], self._warp.places_y[part]
        crease = np.interp(x, eye.crease[:, 0], eye.crease[:, 1])
        crease += np.interp(x, eye.upper[:, 0], eye.gap) * lid * CREASE_FOLLOWS
        below = np.interp(x, edge[:, 0], edge[:, 1]) - crease
        down = (y - crease) / np.maximum(below, 0.01)
        middle = (eye.upper[0, 0] + eye.upper[-1, 0]) / 2
        across = 1 - smoothstep(0.35, 0.62, np.abs(x - middle) / eye.width)
        fold = FOLD * np.exp(-(((y - crease) / FOLD_HALF_WIDTH) ** 2))
        tone = smoothstep(0, 0.25, down) * (LID_TONE + LID_TURNING * np.clip(down, 0, 1) ** 3)
        shade = smoothstep(0.2, 0.9, lid) * across * (fold + tone)
        grain = smoothstep(0.2, 0.8, lid) * across * smoothstep(-0.1, 0.2, down)
        return (skin * (1 - shade[..., None] * LID_TINT) + self._noise[part] * grain[..., None]).astype(
            np.float32
        )


def _rising(points: Floats, indices: tuple[int, ...]) -> Floats:
    """Points in strictly rising x, as interpolation needs them."""
    line = points[list(indices)]
    line = line[np.argsort(line[:, 0])].copy()
    line[:, 0] = np.maximum.accumulate(line[:, 0] + np.arange(len(line)) * 1e-6)
    return line


def _window(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    return slice(y, y + h), slice(x, x + w)


def _without_lashes(source: NDArray[np.uint8], frame: MouthFrame, eye: _Eye) -> NDArray[np.uint8]:
    """The source with eyeball and upper lashes painted over with the skin around them."""
    shape = source.shape[:2]
    last = len(eye.upper) - 1
    brow = np.interp(eye.upper[:, 0], eye.brow[:, 0], eye.brow[:, 1])
    top = eye.upper.copy()
    top[:, 1] -= np.clip((eye.upper[:, 1] - brow) * BROW_CLEARANCE, 0.02, LASH_BAND)
    band = np.vstack([eye.upper + np.array([0, 0.012]), top[::-1]])
    band[[0, last, last + 1, -1], 0] += (-0.03, 0.03, 0.05, -0.05)
    above = fill_places(shape, frame, band) > 0
    ball = np.vstack([eye.upper, eye.lower[::-1]])
    ball = ball.mean(axis=0) + (ball - ball.mean(axis=0)) * (1.04, 1.0)
    grey = cv2.cvtColor(source, cv2.COLOR_BGR2GRAY)
    skin = float(np.percentile(grey[above], 75)) if above.any() else 0.0
    unit = frame.unit * OVERSAMPLING
    lashes = (above & (grey < skin * LASH_DARK)).astype(np.uint8)
    reach = max(3, round(LASH_GAPS * unit))
    lashes = cv2.morphologyEx(lashes, cv2.MORPH_CLOSE, np.ones((3, reach), np.uint8))
    hole = cv2.dilate(np.maximum(lashes, fill_places(shape, frame, ball) // 255), np.ones((5, 5), np.uint8))
    rows, columns = _window(hole > 0)
    margin = 20
    y0, x0 = max(rows.start - margin, 0), max(columns.start - margin, 0)
    part = (slice(y0, rows.stop + margin), slice(x0, columns.stop + margin))
    bare = source.copy()
    patch = np.ascontiguousarray(source[part])
    painted = cv2.inpaint(patch, np.ascontiguousarray(hole[part]), 5, cv2.INPAINT_TELEA).astype(np.float32)
    # Inpainting draws streaks; a blur inside the hole leaves plain skin.
    smooth = cv2.GaussianBlur(painted, (0, 0), 0.014 * unit)
    inside = cv2.GaussianBlur(hole[part].astype(np.float32), (0, 0), 2.0)[..., None]
    bare[part] = np.clip(painted + (smooth - painted) * inside + 0.5, 0, 255).astype(np.uint8)
    return bare
