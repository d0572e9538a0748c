"""Where the reference's lower face is in each frame: by landmarks first, then by the picture itself.

Landmarks lean with the pose by two pixels and more. Optical flow between the frame and the reference, as the
landmarks lay it over the frame, shows by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from avatars.heads import TERMS
from avatars.manifest import LoopKind
from precompute.curves import smoothstep
from precompute.mesh_points import (
    CHEEKS_LEFT,
    CHEEKS_RIGHT,
    CHIN_FRONT,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    OUTER_LOWER,
    OUTER_UPPER,
    UPPER_FACE,
)

Floats = NDArray[np.float64]
Grey = NDArray[np.uint8]

POINTS = tuple(
    dict.fromkeys((*UPPER_FACE, *CHEEKS_RIGHT, *CHEEKS_LEFT, *OUTER_UPPER, *OUTER_LOWER, *CHIN_FRONT))
)
MOVING_POINTS = tuple(sorted({*OUTER_LOWER[1:-1], *CHIN_FRONT}))
"""Of these, the ones that go down with the jaw."""
REACH = 0.6
"""Points count less with their distance from the mouth: the deviation of a Gaussian in eye spans."""
BEND = 0.02, 3e-4
"""Against bending, which landmarks and flow tell less of than of place and size."""

HALF_WIDTH, ABOVE, BELOW = 0.62, 0.42, 0.62
"""The part of a frame that flow is looked at in, around the mouth, in eye spans."""
FLOW_MIDDLE, FLOW_REACH = 0.05, (0.38, 0.33)
"""What counts in it: a Gaussian below the mouth's middle."""
FLOW_ROUNDS, ROBUST_ROUNDS = 2, 3
FLOW_STEP = 3
OUTLIER = 0.7
"""Pixels that flow may be off without counting much less."""
TEXTURE = 60.0
"""Gradient of the evened picture at which flow is half sure."""
LOCAL, CONTRAST, LEAST_CONTRAST = 12.0, 18.0, 2.0
"""Flow sees pictures without their light: local means and contrasts are evened, within these deviations."""
FARTHEST = 0.12
"""Eye spans by which the picture may correct the landmarks; beyond, it is something else that moved."""
STILL_JAW, ROUGH_JAW = 0.25, 0.35
"""Aperture from which on the frame's own jaw tells little of where the head is, and how much at least."""
LIPS_RIM = 0.01, 0.05
"""Eye spans from the lips' edge within which an open mouth shows something else."""
CENTRING_ROUNDS = 4
PADDING = 25
"""Frames beyond an end that smoothing looks at."""
CALM, TALKING_CALM, TALKING_REACH = 1.0, 3.5, 3.0
"""Standard deviations in frames of the smoothing of what the picture says: where the mouth is shut; where the
frame's own mouth talks, and so says less of where the head is (twice, so that quick heads are not left
behind); and of the way from one to the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Where the reference is in one frame.

    Attributes:
        centre: (2,) the mouth's middle in the frame, in pixels.
        terms: (2, 6) as :attr:`avatars.heads.MovingHeads.maps`.
        likeness: correlation of both pictures where they should be alike, once fitted.
        unit: eye span of the reference in pixels.
    """

    centre: Floats
    terms: Floats
    likeness: float
    unit: float


def basis(places: NDArray[np.floating]) -> Floats:
    """(..., 2) places in eye spans to (..., 6) terms."""
    x, y = np.asarray(places, np.float64)[..., 0], np.asarray(places, np.float64)[..., 1]
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def mouth_middle(points: NDArray[np.floating]) -> Floats:
    """The middle between the corners of the mouth of (..., 468, 2) landmarks."""
    flat = np.asarray(points, np.float64)
    return (flat[..., MOUTH_LEFT, :2] + flat[..., MOUTH_RIGHT, :2]) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The frame that all others are compared with.

    Attributes:
        picture: (H, W) luma.
        landmarks: (468, 2) in pixels.
        unit: eye span in pixels.
        from_lips: (H, W) eye spans from the lips' outer edge, 0 within them.
        rect: x, y, width, height whose corner pixels the moves span.
        apertures: (A,) rising from 0.
        moves: (A, rows, columns, 2) how far from a place that shows there was in the reference, in pixels,
            where the mouth is open so far.
    """

    picture: Grey
    landmarks: NDArray[np.floating]
    unit: float
    from_lips: NDArray[np.float32]
    rect: tuple[int, int, int, int]
    apertures: tuple[float, ...]
    moves: NDArray[np.float32]

    def sources(self, places: Floats, opened: float) -> NDArray[np.float32]:
        """Where what shows at places (h, w, 2) is in the picture when the mouth is open, in pixels."""
        flat = places.astype(np.float32)
        if opened <= 0:
            return flat
        x, y, w, h = self.rect
        rows, columns = self.moves.shape[1:3]
        scale = np.array([(columns - 1) / (w - 1), (rows - 1) / (h - 1)], np.float32)
        level = float(np.interp(opened, self.apertures, np.arange(len(self.apertures))))
        low = min(int(level), len(self.apertures) - 2)
        moves = self.moves[low] + (level - low) * (self.moves[low + 1] - self.moves[low]) - self.moves[0]
        at = (flat - np.array([x, y], np.float32)) * scale
        found = cv2.remap(
            moves.astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )
        return flat + found


class Fitter:
    """Fits one reference to frames.

    Args:
        reference: what is looked for in them.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self.unit = unit = reference.unit
        self._landmarks = np.asarray(reference.landmarks, np.float64)
        self.origin = mouth_middle(self._landmarks)
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        away = np.linalg.norm(self._landmarks[list(POINTS)] - self.origin, axis=1) / unit
        self._weights = np.exp(-((away / REACH) ** 2))
        self._moving = np.isin(POINTS, MOVING_POINTS)

    def fit(self, picture: Grey, landmarks: NDArray[np.floating], opened: float) -> Fit:
        """Where the reference is in a frame.

        Args:
            picture: (H, W) luma of the frame.
            landmarks: (468, 2) of the frame in pixels.
            opened: aperture of its own mouth, 0..1.
        """
        points = np.asarray(landmarks, np.float64)
        centre = mouth_middle(points)
        still = max(0.0, 1 - opened / STILL_JAW)
        weights = self._weights * np.where(self._moving, still, 1.0)
        places = (points[list(POINTS)] - centre) / self.unit
        targets = (self._landmarks[list(POINTS)] - self.origin) / self.unit
        terms = _solve(basis(places), targets, weights, BEND[0])
        return self._refine(picture, Fit(centre, terms, 0.0, self.unit), opened)

    def places(self, fit: Fit, window: tuple[int, int, int, int]) -> Floats:
        """(h, w, 2) pixels of the reference that show in a window of the frame, but for its own mouth."""
        away = (_pixels(window) - fit.centre) / self.unit
        return basis(away) @ fit.terms.T * self.unit + self.origin

    def window(self, centre: Floats) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of the part of a frame that is looked at; at even pixels."""
        height, width = self._reference.picture.shape
        low = centre - np.array([HALF_WIDTH, ABOVE]) * self.unit
        high = centre + np.array([HALF_WIDTH, BELOW]) * self.unit
        x0, y0 = (int(v) for v in np.clip(low // 2 * 2, 0, (width - 16, height - 16)))
        x1, y1 = (int(v) for v in np.clip(high // 2 * 2, (x0 + 16, y0 + 16), (width, height)))
        return x0, y0, x1, y1

    def trust(self, places: Floats, sources: NDArray[np.float32], opened: float) -> Floats:
        """(h, w) how far a place of the reference can be believed to be what shows in the frame, 0..1.

        Of an open mouth, lips and what is between them are something else, and the jaw is where it is
        thought to be only roughly.
        """
        if opened <= 0:
            return np.ones(places.shape[:2])
        from_lips = look_up(self._reference.from_lips, sources)
        jaw = np.where(places[..., 1] > self.origin[1], max(ROUGH_JAW, 1 - opened / STILL_JAW), 1.0)
        return smoothstep(*LIPS_RIM, from_lips) * jaw

    def _refine(self, picture: Grey, first: Fit, opened: float) -> Fit:
        window = self.window(first.centre)
        x0, y0, x1, y1 = window
        seen = _evened(picture[y0:y1, x0:x1])
        pixels = _pixels(window)
        away = (pixels - first.centre) / self.unit
        near = np.exp(-(((away - (0, FLOW_MIDDLE)) / FLOW_REACH) ** 2).sum(axis=-1))
        now, best = first, first
        for turn in range(FLOW_ROUNDS + 1):
            places = self.places(now, window)
            sources = self._reference.sources(places, opened)
            laid = _evened(look_up(self._reference.picture, sources))
            known = near * self.trust(places, sources, opened)
            likeness = _likeness(seen, laid, known)
            if turn == 0 or likeness > best.likeness:
                best = Fit(now.centre, now.terms, likeness, self.unit)
            if turn == FLOW_ROUNDS:
                break
            flow = self._flow.calc(laid, seen, None)  # pyright: ignore[reportArgumentType, reportCallIssue]
            slope = np.hypot(cv2.Sobel(laid, cv2.CV_32F, 1, 0), cv2.Sobel(laid, cv2.CV_32F, 0, 1)) ** 2
            sure = known * slope / (slope + TEXTURE**2)
            some = (slice(None, None, FLOW_STEP), slice(None, None, FLOW_STEP))
            terms = self._solve_robustly(
                basis((pixels + flow)[some].reshape(-1, 2) / self.unit - first.centre / self.unit),
                (places[some].reshape(-1, 2) - self.origin) / self.unit,
                sure[some].reshape(-1),
            )
            shift = np.abs(basis(np.zeros(2)) @ (terms - first.terms).T).max()
            if not np.isfinite(terms).all() or shift > FARTHEST:
                break
            now = Fit(first.centre, terms, 0.0, self.unit)
        return best

    def _solve_robustly(self, terms: Floats, targets: Floats, weights: Floats) -> Floats:
        now = weights
        found = np.zeros((2, TERMS))
        for _ in range(ROBUST_ROUNDS):
            found = _solve(terms, targets, now, BEND[1])
            off = np.linalg.norm(terms @ found.T - targets, axis=1) * self.unit
            now = weights / (1 + (off / OUTLIER) ** 2)
        return found


def look_up(picture: NDArray[Any], places: NDArray[np.float32]) -> NDArray[Any]:
    """A picture at places (h, w, 2)."""
    x, y = places[..., 0], places[..., 1]
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def centred(fit: Fit) -> Fit:
    """The same map around the place in the frame that shows the reference's centre; in eye spans of it."""
    place = np.zeros(2)
    for _ in range(CENTRING_ROUNDS):
        linear = fit.terms[:, 1:3]
        place = place - np.linalg.solve(linear, basis(place) @ fit.terms.T)
    x, y = place
    # The polynomial in places from there.
    one, by_x, by_y, by_xx, by_xy, by_yy = fit.terms.T
    first = by_x + 2 * by_xx * x + by_xy * y, by_y + by_xy * x + 2 * by_yy * y
    moved = one + by_x * x + by_y * y + by_xx * x * x + by_xy * x * y + by_yy * y * y
    terms = np.stack([moved, *first, by_xx, by_xy, by_yy], axis=1)
    return Fit(fit.centre + place * fit.unit, terms, fit.likeness, fit.unit)


def smooth_fits(fits: Sequence[Fit], opened: Floats, kind: LoopKind) -> list[Fit]:
    """Take the trembling out of centred maps of a loop's frames; heads that move evenly stay as they are.

    Args:
        fits: of the frames.
        opened: (N,) apertures of their own mouths.
        kind: how the loop goes on at its end.
    """
    if len(fits) < 3:
        return list(fits)
    talks = (opened > 0).astype(np.float64)
    talks = gaussian_filter1d(talks, TALKING_REACH, mode="wrap" if kind == "forward" else "mirror")[:, None]

    def calm(values: Floats) -> Floats:
        quick, slow = _smoothed(values, CALM, kind), _smoothed(values, TALKING_CALM, kind, twice=True)
        return quick + talks * (slow - quick)

    centres = calm(np.array([fit.centre for fit in fits]))
    terms = calm(np.array([fit.terms for fit in fits]).reshape(len(fits), -1))
    return [
        Fit(centre, row.reshape(2, TERMS), fit.likeness, fit.unit)
        for centre, row, fit in zip(centres, terms, fits, strict=True)
    ]


def _smoothed(values: Floats, spread: float, kind: LoopKind, *, twice: bool = False) -> Floats:
    """(N, k) along the frames; at the ends of a loop that turns back motion goes on beyond.

    A Gaussian flattens every bend of a motion. With ``twice``, what it takes away is smoothed in its turn and
    given back: bends stay, trembling does not (Tukey's twicing).
    """
    reach = min(PADDING, len(values) - 1)
    if kind == "forward":
        before, behind = values[-reach:], values[:reach]
    else:
        before, behind = 2 * values[0] - values[reach:0:-1], 2 * values[-1] - values[-2 : -reach - 2 : -1]
    wide = np.concatenate([before, values, behind])
    steady = median_filter(wide, size=(3, 1), mode="nearest")
    once = gaussian_filter1d(steady, spread, axis=0, mode="nearest")
    if twice:
        once += gaussian_filter1d(steady - once, spread, axis=0, mode="nearest")
    return once[reach:-reach]


def _solve(terms: Floats, targets: Floats, weights: Floats, bend: float) -> Floats:
    """(2, 6) that lead from terms (n, 6) to targets (n, 2)."""
    weighted = terms * weights[:, None]
    stiff = np.diag([0.0, 0, 0, 1, 1, 1]) * bend * weights.sum() + 1e-9 * np.eye(TERMS)
    return np.linalg.solve(terms.T @ weighted + stiff, weighted.T @ targets).T


def _pixels(window: tuple[int, int, int, int]) -> Floats:
    x0, y0, x1, y1 = window
    return np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), axis=-1).astype(np.float64)


def _evened(grey: Grey) -> Grey:
    """A picture without its light: local mean and contrast are the same everywhere."""
    values = grey.astype(np.float32)
    detail = values - cv2.GaussianBlur(values, (0, 0), LOCAL)
    contrast = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), CONTRAST)) + LEAST_CONTRAST
    return np.clip(128 + 40 * detail / contrast, 0, 255).astype(np.uint8)


def _likeness(one: Grey, other: Grey, weights: Floats) -> float:
    """Weighted correlation."""
    share = weights / max(float(weights.sum()), 1e-9)
    a, b = one - (one * share).sum(), other - (other * share).sum()
    spread = np.sqrt((share * a * a).sum() * (share * b * b).sum())
    return float((share * a * b).sum() / max(float(spread), 1e-9))
