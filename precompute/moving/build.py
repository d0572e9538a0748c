"""From a loop to the mouth atlas of one of its frames, and where that goes in all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from avatars.atlas import MouthAtlas
from avatars.heads import MovingHeads
from avatars.manifest import LoopKind
from precompute.blas import one_blas_thread
from precompute.curves import smoothstep
from precompute.errors import AvatarRejected
from precompute.landmarks import FaceFinder, FaceMesh, Image
from precompute.mesh_points import (
    EYE_LOWER_LEFT,
    EYE_LOWER_RIGHT,
    EYE_OUTER_LEFT,
    EYE_OUTER_RIGHT,
    EYE_UPPER_LEFT,
    EYE_UPPER_RIGHT,
)
from precompute.mouth.geometry import dense
from precompute.mouth.raster import fill
from precompute.mouth.render import MouthRenderer
from precompute.mouth.shapes import MouthShape
from precompute.moving.fitting import Fit, Fitter, Reference, centred, look_up, smooth_fits
from precompute.moving.lighting import measure_light, smooth_light
from precompute.moving.looking import choose_reference, look_at_mouths
from precompute.portrait import OVERSAMPLING, Portrait, PortraitReport, head_angles
from precompute.portrait_atlas import (
    APERTURES,
    CLOSURE_LEVELS,
    CLOSURE_WIDTHS,
    TONGUE_APERTURE,
    TONGUE_LEVELS,
    WIDTHS,
    build_portrait_atlas,
)
from precompute.rects import Rect, even_rect
from streaming.compositor.planes import Planes, pack, unpack

Floats32 = NDArray[np.float32]

MOVE_CELL = 4
"""Pixels between places at which it is kept how far mouths move them."""
LIPS_FULL, LIPS_END = 0.035, 0.115
"""Eye spans from the lips' outer edge up to which the atlas's pictures show fully, and where they end."""
OPEN_BEGINS, OPEN_SURE = 0.02, 0.045
"""Eye spans by which landmarks see lips further apart than the reference's before a mouth counts as open:
where heads turn, they are wrong by as much."""
SEEN_LESS = 1.12
"""Landmarks see wide mouths less open than they are, by this factor."""
SPOKEN = 0.1
"""Aperture from which on somebody who watches sees a mouth that talks."""
OPEN_CALM = 0.7
"""Standard deviation in frames of the smoothing of the loop's own speech."""
LIGHT_REACH = 0.22
"""Eye spans from the lips' outer edge within which light is compared."""
LIPS_SHARE = 0.5
"""How much the lips themselves count in that."""
LOOKING_ENDS, FITTING_ENDS = 0.35, 0.6
"""Shares of the work."""


@dataclass(frozen=True, slots=True, eq=False)
class MovingMouths:
    """What was made of a loop.

    Attributes:
        atlas: of the reference.
        heads: where it goes.
        likeness: (N,) how alike the reference and each frame are where the atlas goes, 0..1.
        report: what was judged; values as JSON has them.
    """

    atlas: MouthAtlas
    heads: MovingHeads
    likeness: NDArray[np.float64]
    report: dict[str, float | int]


@one_blas_thread()
def build_moving_mouths(
    frames: Callable[[], Iterable[Image]],
    landmarks: NDArray[np.floating],
    kind: LoopKind,
    finder: FaceFinder,
    progress: Callable[[float], None] = lambda done: None,
) -> MovingMouths:
    """Make the mouths of a loop. About 15 ms per frame, and 8 s for the atlas, on one core.

    Args:
        frames: begins anew; gives the loop's (S, S, 3) BGR frames as they are shown. Only one of them is in
            memory at any moment.
        landmarks: (N, 468, 2) of the face in them, in pixels, smoothed.
        kind: how the loop goes on at its end.
        finder: the face networks.
        progress: told the share that is done, 0..1.

    Raises:
        AvatarRejected: ``no_still_mouth``: no frame shows a mouth that others could be drawn from.
    """
    count = len(landmarks)
    sights = look_at_mouths(frames(), landmarks, finder, lambda done: progress(LOOKING_ENDS * done / count))
    reference = choose_reference(sights)
    picture = next(islice(iter(frames()), reference, None))
    if picture.shape[0] != picture.shape[1]:
        raise AvatarRejected("no_still_mouth", "Mouths are only drawn into loops as wide as they are high.")
    portrait = _portrait(picture, landmarks[reference], finder)
    renderer = MouthRenderer(portrait)
    opened = _opened(sights.gaps, reference, renderer.mouth.closed, kind)
    lips = _lips(renderer)

    def fitted(done: int) -> None:
        progress(LOOKING_ENDS + (FITTING_ENDS - LOOKING_ENDS) * done / count)

    moves = _moves(renderer, _unit(portrait.landmarks))
    compared = _reference(portrait, renderer, landmarks[reference], moves["moves"])
    raw, light = _fit_all(frames(), landmarks, opened, portrait, compared, fitted)
    atlas = build_portrait_atlas(
        portrait,
        lambda done: progress(FITTING_ENDS + (1 - FITTING_ENDS) * done),
        eyes=_StillEyes(portrait),
    )
    fits = smooth_fits([centred(fit) for fit in raw], opened, kind)
    heads = MovingHeads(
        reference=np.array([reference], np.int32),
        centres=np.array([fit.centre for fit in fits], np.float32),
        maps=np.array([fit.terms for fit in fits], np.float32),
        light=smooth_light(light, kind).astype(np.float32),
        opened=opened.astype(np.float32),
        lips=lips,
        **moves,
    )
    likeness = np.array([fit.likeness for fit in fits])
    report: dict[str, float | int] = {
        "reference": reference,
        "eye_span": round(_unit(portrait.landmarks), 1),
        "mouth_closed": int(renderer.mouth.closed),
        "own_speech": round(float((opened > SPOKEN).mean()), 3),
        "likeness": round(float(np.median(likeness)), 3),
    }
    return MovingMouths(atlas, heads, likeness, report)


class _StillEyes:
    """The eyes of the reference, which stay as they are: those of the loop are seen."""

    lids, gazes = (0.0, 1.0), ((0.0, 0.0),)

    def __init__(self, portrait: Portrait) -> None:
        points = portrait.landmarks[
            [*EYE_UPPER_RIGHT, *EYE_LOWER_RIGHT, *EYE_UPPER_LEFT, *EYE_LOWER_LEFT], :2
        ]
        self.rect: Rect = even_rect(points.min(axis=0), points.max(axis=0), portrait.size)
        x, y, w, h = self.rect
        self._picture = portrait.frame[y : y + h, x : x + w].astype(np.float32)

    def render(self, lid: float, gaze: tuple[float, float]) -> Floats32:
        return self._picture


def _portrait(picture: Image, points: NDArray[np.floating], finder: FaceFinder) -> Portrait:
    """The reference as a portrait: its view is that of the loop."""
    known = FaceMesh(np.column_stack([points, np.zeros(len(points))]).astype(np.float32), 1.0)
    mesh = finder.mesh(picture, known)
    size = picture.shape[0]
    wide = (size * OVERSAMPLING, size * OVERSAMPLING)
    source = np.asarray(cv2.resize(picture, wide, interpolation=cv2.INTER_CUBIC), np.uint8)
    yaw, pitch, roll = head_angles(mesh)
    report = PortraitReport(1, mesh.eye_span, yaw, pitch, roll, (0, 0, size), 1.0, 0.0, ())
    return Portrait(picture, source, mesh.points, report)


def _unit(landmarks: NDArray[np.floating]) -> float:
    return float(np.linalg.norm(landmarks[EYE_OUTER_LEFT, :2] - landmarks[EYE_OUTER_RIGHT, :2]))


def _opened(gaps: NDArray[np.float64], reference: int, closed: bool, kind: LoopKind) -> NDArray[np.float64]:
    """How far the loop's own mouths are open more than the reference's, as apertures, from gaps."""
    apertures = np.linspace(0, 1, 41)
    shapes = [MouthShape(float(a)) for a in apertures]
    lengths = [shape.jaw + shape.lower_drop + shape.upper_raise for shape in shapes]
    found = np.interp(SEEN_LESS * gaps, lengths, apertures)
    if not closed:
        found = np.maximum(0, found - found[reference])
    found *= smoothstep(OPEN_BEGINS, OPEN_SURE, gaps - gaps[reference])
    if len(found) < 3:
        return found
    return gaussian_filter1d(found, OPEN_CALM, mode="wrap" if kind == "forward" else "mirror")


def _outline(renderer: MouthRenderer) -> NDArray[np.float64]:
    """(n, 2) the lips' outer edge in pixels of the portrait."""
    photo = renderer.mouth.photo
    ring = np.vstack([dense(photo.outer_upper), dense(photo.outer_lower)[::-1]])
    return renderer.mouth.frame.to_pixels(ring)


def _from_lips(renderer: MouthRenderer, rect: Rect) -> NDArray[np.float64]:
    """(h, w) eye spans from the lips' outer edge, 0 within them."""
    x, y, w, h = rect
    inside = fill((h, w), _outline(renderer) - (x, y))
    return cv2.distanceTransform(255 - inside, cv2.DIST_L2, 5).astype(np.float64) / renderer.mouth.frame.unit


def _lips(renderer: MouthRenderer) -> NDArray[np.uint8]:
    """How much of the atlas shows; see :attr:`avatars.heads.MovingHeads.lips`."""
    shown = 1 - smoothstep(LIPS_FULL, LIPS_END, _from_lips(renderer, renderer.rect))
    shown[[0, -1]] = 0
    shown[:, [0, -1]] = 0
    return np.rint(255 * shown).astype(np.uint8)


def _moves(renderer: MouthRenderer, unit: float) -> dict[str, Floats32]:
    _, _, w, h = renderer.rect
    rows, columns = (max(2, -(-(side - 1) // MOVE_CELL) + 1) for side in (h, w))

    def of(*shapes: MouthShape) -> Floats32:
        pixels = [renderer.moves(shape, rows, columns) for shape in shapes]
        return np.array(pixels, np.float32) / np.float32(unit)

    return {
        "moves": np.array([of(*(MouthShape(a, v) for v in WIDTHS)) for a in APERTURES]),
        "press_moves": np.array(
            [of(*(MouthShape(width=v, press=k) for v in CLOSURE_WIDTHS)) for k in CLOSURE_LEVELS]
        ),
        "bite_moves": np.array(
            [of(*(MouthShape(width=v, bite=k) for v in CLOSURE_WIDTHS)) for k in CLOSURE_LEVELS]
        ),
        "tongue_moves": of(*(MouthShape(TONGUE_APERTURE, tongue=k) for k in TONGUE_LEVELS)),
    }


def _reference(
    portrait: Portrait, renderer: MouthRenderer, landmarks: NDArray[np.floating], moves: Floats32
) -> Reference:
    size = portrait.size
    straight = int(np.abs(np.array(WIDTHS)).argmin())
    # The atlas's unit, by which heads are measured, is that of its own landmarks.
    unit = _unit(portrait.landmarks)
    return Reference(
        picture=unpack(pack(portrait.frame), size, size).y,
        landmarks=landmarks,
        unit=unit,
        from_lips=_from_lips(renderer, (0, 0, size, size)).astype(np.float32),
        rect=renderer.rect,
        apertures=APERTURES,
        moves=moves[:, straight] * np.float32(unit),
    )


def _fit_all(
    frames: Iterable[Image],
    landmarks: NDArray[np.floating],
    opened: NDArray[np.float64],
    portrait: Portrait,
    reference: Reference,
    each: Callable[[int], None],
) -> tuple[list[Fit], NDArray[np.float64]]:
    """Where the reference is in each frame, and by which light."""
    size = portrait.size
    planes = unpack(pack(portrait.frame), size, size)
    fitter = Fitter(reference)
    near = 1 - smoothstep(LIPS_END, LIGHT_REACH, reference.from_lips)
    near[reference.from_lips == 0] *= LIPS_SHARE
    fits: list[Fit] = []
    light = np.empty((len(landmarks), 3, 3))
    for index, frame in enumerate(frames):
        seen, own = unpack(pack(frame), size, size), float(opened[index])
        fit = fitter.fit(seen.y, landmarks[index], own)
        window = x0, y0, x1, y1 = fitter.window(fit.centre)
        places = fitter.places(fit, window)
        sources = reference.sources(places, own)
        half = np.asarray(((sources[::2, ::2] + sources[1::2, 1::2]) / 2 - 0.5) / 2, np.float32)
        laid = Planes(look_up(planes.y, sources), look_up(planes.u, half), look_up(planes.v, half))
        weights = look_up(near.astype(np.float32), sources) * fitter.trust(places, sources, own)
        pixels = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), axis=-1)
        away = (pixels - fit.centre) / fitter.unit
        light[index] = measure_light(seen.window(x0, y0, x1 - x0, y1 - y0), laid, away, weights + 1e-3)
        fits.append(fit)
        each(index + 1)
    return fits, light
