"""Draws the mouth of one portrait in any shape."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.curves import smoothstep
from precompute.grain import photo_grain
from precompute.mesh_points import CHEEK_PATCHES, NOSE_WINGS
from precompute.mouth.folds import Folds
from precompute.mouth.geometry import Contours, Floats, Mouth, dense, lip_middle
from precompute.mouth.interior import Interior, Opening
from precompute.mouth.measure import measure_mouth
from precompute.mouth.raster import fill, sample_median, source_pixels
from precompute.mouth.relief import Cheeks, Relief
from precompute.mouth.shapes import MouthShape, lip_edges
from precompute.mouth.smile import clear_opening
from precompute.mouth.warp import Warp, layer_controls
from precompute.portrait import OVERSAMPLING, Portrait
from precompute.rects import Rect, even_rect, feather

Floats32 = NDArray[np.float32]

HALF_WIDTH = 0.80
BELOW_CHIN = 0.32
"""The drawn rectangle reaches this far beside the mouth and below the chin, in eye spans."""
FEATHER = 0.10
DIES_BESIDE, DIES_BELOW = 0.38, 0.15
"""Eye spans over which what a mouth moves comes to rest towards the rectangle's edges."""
OPEN_GAP = 0.002
LAYER_FEATHER, LAYER_WIDENING = 0.006, 0.35
"""Softness of the change between the layers, and its growth per eye span beyond the corners."""
PULLED_RED = 0.5
"""A smile pulls the red off the lips' ends; this much of it comes back."""
DRAWN_SEAM = np.array([0.95, 0.95, 0.7], np.float32)
GRAIN = 1.3


class MouthRenderer:
    """Draws mouth pictures over the portrait.

    Attributes:
        mouth: what was measured.
        rect: x, y, width, height of the drawn rectangle in pixels of the frame, all even.

    Args:
        portrait: the person.
    """

    def __init__(self, portrait: Portrait) -> None:
        self.mouth = measure_mouth(portrait)
        frame, size = self.mouth.frame, portrait.size
        corners = np.array(
            [
                [x, y]
                for x in (-HALF_WIDTH, HALF_WIDTH)
                for y in (self.mouth.nose, self.mouth.chin + BELOW_CHIN)
            ]
        )
        pixels = frame.to_pixels(corners)
        self.rect: Rect = even_rect(pixels.min(axis=0), pixels.max(axis=0), size)
        x, y, w, h = self.rect
        self._behind = portrait.frame[y : y + h, x : x + w].astype(np.float32)
        self._alpha = feather(self.rect, FEATHER * frame.unit)[..., None]
        self._warp = Warp(frame, self.rect)
        self._source = portrait.source
        self._folds: Folds | None = None
        if not self.mouth.closed:
            self._source = clear_opening(portrait.source, self.mouth)
            self._folds = Folds(self._source, self.mouth)
        skin = np.mean(
            [_patch_mean(portrait.frame, portrait.landmarks[i, :2]) for i in CHEEK_PATCHES], axis=0
        )
        lip = sample_median(portrait.frame, frame.to_pixels(lip_middle(self.mouth.photo)))
        self._interior = Interior(skin / 255, lip / 255, _highlight(portrait), self.mouth.own)
        redness = 0.0 if self.mouth.closed else PULLED_RED
        places = self._warp.places_x, self._warp.places_y
        self._relief = Relief(*places, _cheeks(self.mouth), lip / 255, redness)
        noise = np.random.default_rng(3).normal(0, 1, self._warp.x.shape)
        self._noise = (noise * photo_grain(portrait) * GRAIN / 255).astype(np.float32)[..., None]

    def render(
        self,
        aperture: float = 0.0,
        width: float = 0.0,
        press: float = 0.0,
        bite: float = 0.0,
        tongue: float = 0.0,
    ) -> Floats32:
        """The drawn rectangle (h, w, 3), BGR 0..255, blended into the portrait at its edges.

        Arguments are those of ``MouthShape``.
        """
        shape = MouthShape(aperture, width, press, bite, tongue)
        edges = lip_edges(self.mouth.rest, shape)
        drawn = self._draw(shape, edges)
        _, _, w, h = self.rect
        small = cv2.resize(drawn, (w, h), interpolation=cv2.INTER_AREA) * 255
        return np.clip(self._behind + (small - self._behind) * self._alpha, 0, 255).astype(np.float32)

    def moves(self, shape: MouthShape, rows: int, columns: int) -> Floats32:
        """How far from a place that shows there was in the portrait, in its pixels.

        Args:
            shape: of the mouth.
            rows: of a grid that spans the corner pixels of the rectangle.
            columns: likewise.

        Returns:
            (rows, columns, 2): x, y; dying away towards the rectangle's edges.
        """
        edges = lip_edges(self.mouth.rest, shape)
        upper, lower = layer_controls(self.mouth, shape, edges)
        inner_upper = dense(edges.inner_upper)
        _, lower_share = self._layers(inner_upper, (inner_upper + dense(edges.inner_lower)) / 2)
        _, _, w, h = self.rect
        x, y = np.meshgrid(np.linspace(0, w - 1, columns), np.linspace(0, h - 1, rows))
        at = source_pixels(x).astype(np.float32), source_pixels(y).astype(np.float32)
        found = np.zeros((rows, columns, 2), np.float32)
        for (places, targets), share in ((upper, 1 - lower_share), (lower, lower_share)):
            there = self._warp.maps(places, targets)
            for axis, (to, of) in enumerate(
                zip(there, (self._warp.source_x, self._warp.source_y), strict=True)
            ):
                found[..., axis] += cv2.remap((to - of) * share, *at, cv2.INTER_LINEAR) / OVERSAMPLING
        # Over less, an outline of the face that crosses it would be seen to step aside.
        unit = self.mouth.frame.unit
        beside = np.minimum(x, w - 1 - x) / (DIES_BESIDE * unit)
        below = np.minimum(y, h - 1 - y) / (DIES_BELOW * unit)
        rim = smoothstep(0, 1, beside) * smoothstep(0, 1, below)
        return (found * rim[..., None]).astype(np.float32)

    def _draw(self, shape: MouthShape, edges: Contours) -> Floats32:
        """The rectangle at the source's resolution, 0..1."""
        (upper_now, upper_then), (lower_now, lower_then) = layer_controls(self.mouth, shape, edges)
        source = self._folds.yielding(shape) if self._folds else self._source
        upper = self._warp.sample(source, upper_now, upper_then)
        lower = self._warp.sample(source, lower_now, lower_then)
        inner_upper, inner_lower = dense(edges.inner_upper), dense(edges.inner_lower)
        x, y = self._warp.places_x, self._warp.places_y
        middle = (inner_upper + inner_lower) / 2
        seam, below = self._layers(inner_upper, middle)
        skin = cv2.blendLinear(upper, lower, 1 - below, below)
        skin = (skin / 255).astype(np.float32)
        skin = self._relief.light(skin, shape, edges)
        gap = float((inner_lower[:, 1] - inner_upper[:, 1]).max())
        if not self.mouth.closed:
            apart = np.interp(x, middle[:, 0], inner_lower[:, 1] - inner_upper[:, 1]).astype(np.float32)
            skin = _draw_seam(skin, x, y - seam, abs(float(inner_upper[-1, 0])), apart * (1 + shape.round))
        if gap <= OPEN_GAP:
            return skin
        return self._draw_opening(skin, below, shape, inner_upper, inner_lower, gap)

    def _layers(self, inner_upper: Floats, middle: Floats) -> tuple[Floats32, Floats32]:
        """Height of the seam at each drawn pixel, and how far it belongs to the layer below, 0..1."""
        x, y = self._warp.places_x, self._warp.places_y
        seam = np.interp(x, middle[:, 0], middle[:, 1]).astype(np.float32)
        beyond = np.maximum(np.abs(x) - np.float32(abs(inner_upper[-1, 0])), 0)
        below = smoothstep(-1, 1, (y - seam) / (LAYER_FEATHER + LAYER_WIDENING * beyond))
        return seam, below.astype(np.float32)

    def _draw_opening(
        self,
        skin: Floats32,
        below: Floats32,
        shape: MouthShape,
        inner_upper: Floats,
        inner_lower: Floats,
        gap: float,
    ) -> Floats32:
        unit = self.mouth.frame.unit * OVERSAMPLING
        ring = np.vstack([inner_upper, inner_lower[::-1]])
        corners = (self.mouth.frame.to_pixels(ring) - self.rect[:2] + 0.5) * OVERSAMPLING - 0.5
        # Lip shading fades out over .05 eye spans; nothing changes beyond .15.
        reach = round(0.15 * unit)
        height, width = below.shape
        x0, y0 = np.clip(corners.min(axis=0).astype(int) - reach, 0, None)
        x1, y1 = np.minimum(corners.max(axis=0).astype(int) + reach, (width, height))
        part = (slice(y0, y1), slice(x0, x1))
        mask = fill((y1 - y0, x1 - x0), corners - (x0, y0), soft=True)
        cover = cv2.GaussianBlur(mask, (0, 0), 0.9).astype(np.float32) / 255
        hard = (cover > 0.5).astype(np.uint8)
        outside = cv2.distanceTransform(1 - hard, cv2.DIST_L2, 5) / unit
        inside = cv2.distanceTransform(hard, cv2.DIST_L2, 5) / unit

        turned_in = 0.34 * np.exp(-outside / 0.012) * smoothstep(0, 0.05, gap) * (1 - 0.55 * below[part])
        turned_in = turned_in * np.exp(-((outside / 0.05) ** 2))
        lips = skin[part] * (1 - turned_in)[..., None]
        x, y = self._warp.places_x[part], self._warp.places_y[part]
        rest = self.mouth.rest
        top = np.interp(x, inner_upper[:, 0], inner_upper[:, 1]).astype(np.float32)
        bottom = np.interp(x, inner_lower[:, 0], inner_lower[:, 1]).astype(np.float32)
        # A polygon is never thinner than a pixel; where lips touch there is nothing to see through.
        cover *= smoothstep(0.0005, 0.006, bottom - top)
        opening = Opening(
            x=x,
            y=y,
            upper=top,
            lower=bottom,
            depth=np.asarray(inside, np.float32),
            half_width=abs(float(inner_upper[-1, 0])),
            gap=gap,
            seam=float(np.interp(0, rest.inner_upper[:, 0], rest.inner_upper[:, 1])),
            source_x=self._warp.source_x[part],
            source_y=self._warp.source_y[part],
        )
        inner = self._interior.paint(opening, shape) + self._noise[part]
        skin[part] = lips + (inner - lips) * cover[..., None]
        return skin


def _draw_seam(skin: Floats32, x: Floats32, off: Floats32, half_width: float, apart: Floats32) -> Floats32:
    """An open photo has no closed seam to show; draw one wherever the lips touch."""
    strength = 1 - smoothstep(0.003, 0.016, apart)
    line = 0.42 * np.exp(-((np.abs(off) / 0.0055) ** 1.5)) + 0.16 * np.exp(-((off / 0.022) ** 2))
    line = strength * line * (1 - smoothstep(0.80, 1.02, np.abs(x) / half_width))
    return (skin * (1 - line[..., None] * DRAWN_SEAM)).astype(np.float32)


def _cheeks(mouth: Mouth) -> Cheeks:
    wings = mouth.points[list(NOSE_WINGS)]
    wing = np.array([np.abs(wings[:, 0]).mean(), wings[:, 1].mean()])
    return Cheeks(wing, mouth.chin, 0.0 if mouth.closed else 0.8)


def _patch_mean(picture: NDArray[np.uint8], at: NDArray[np.floating], reach: int = 3) -> NDArray[np.float64]:
    x, y = np.clip(np.round(at).astype(int), reach, np.array(picture.shape[1::-1]) - reach - 1)
    patch = picture[y - reach : y + reach + 1, x - reach : x + reach + 1]
    return patch.reshape(-1, 3).mean(axis=0, dtype=np.float64)


def _highlight(portrait: Portrait) -> float:
    """How bright the brightest of the face is, 0..1."""
    low = np.clip(portrait.landmarks[:, :2].min(axis=0).astype(int), 0, None)
    high = portrait.landmarks[:, :2].max(axis=0).astype(int)
    face = cv2.cvtColor(portrait.frame[low[1] : high[1], low[0] : high[0]], cv2.COLOR_BGR2GRAY)
    return float(np.percentile(face, 99)) / 255
