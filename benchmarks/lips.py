"""Are lips seen closed on every m, b and p? Face landmarks on a rendered MP4, against the sounds' timing."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from avatars.store import AvatarStore
from benchmarks.result import Row
from benchmarks.texts import SENTENCES
from precompute.create import create_avatar
from precompute.landmarks import FaceFinder
from precompute.mesh_points import (
    EYE_INNER_LEFT,
    EYE_INNER_RIGHT,
    INNER_LOWER,
    INNER_UPPER,
    OUTER_LOWER,
    OUTER_UPPER,
)
from precompute.mouth.geometry import MouthFrame
from precompute.strip import SENTENCE, Performance, draw, perform
from streaming.compositor.easing import REST_FRAMES
from streaming.face.visemes import PRESSED
from streaming.sinks.mp4 import Mp4Sink
from streaming.timing import FPS, SLOT_SAMPLES

TEXT = " ".join((SENTENCE, *SENTENCES[:6]))
SILENT_FRAMES = 2 * FPS
"""Idle before and after the speech."""
CLOSED = 0.008
"""Lips that are at most this much further apart than at rest look closed, in eye spans (about 0.9 pixels)."""
WIDE_APERTURE = 0.4
MOVED = 0.020
"""In silence, lips that are this much further apart than at rest have moved; a blink makes the mesh twitch by
half as much."""
LARGEST_JUMP = 3.0
"""Pixels that the lips may move in one frame where speech begins or ends; within speech it is up to 6."""
PHOTO = "astronaut"
LIP_UPPER_OUTER, LIP_LOWER_OUTER = 0, 17
_GAPS = tuple(zip(INNER_UPPER[3:8], INNER_LOWER[3:8], strict=True))
_LIPS = tuple(dict.fromkeys((*OUTER_UPPER, *OUTER_LOWER)))


@dataclass(frozen=True, slots=True, eq=False)
class _Lips:
    """What the landmarks say, frame by frame, free of the head's motion.

    Attributes:
        gap: (n,) mean distance of the inner lips' middles in eye spans: are they shut?
        opening: (n,) distance of the outer lips' middles in eye spans: how far is the mouth open? The mesh
            sees these edges better than the inner ones, which teeth and tongue mislead.
        places: (n, k, 2) outer lip edges in pixels.
    """

    gap: NDArray[np.float64]
    opening: NDArray[np.float64]
    places: NDArray[np.float64]


def _film(store: AvatarStore, avatar: str, performance: Performance, path: Path) -> None:
    """Two seconds of idle, the speech, two seconds of idle, encoded as a rendered file is."""
    idle = [None] * SILENT_FRAMES
    frames = draw(store, avatar, [*idle, *performance.patches, *idle])
    sink = Mp4Sink(path, frames[0].width, frames[0].height)
    for frame in frames:
        sink.write(frame, np.zeros(SLOT_SAMPLES, np.float32))
    sink.close()


def _watch(path: Path, finder: FaceFinder) -> _Lips:
    gap: list[float] = []
    opening: list[float] = []
    places: list[NDArray[np.float64]] = []
    with av.open(str(path)) as container:
        face = None
        for frame in container.decode(video=0):
            picture = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            if face is None:
                face = finder.mesh(picture, finder.detect(picture)[0])
            face = finder.mesh_once(picture, face)
            points = MouthFrame.of(face.points).to_mouth(face.points[:, :2])
            gap.append(float(np.mean([points[low, 1] - points[up, 1] for up, low in _GAPS])))
            opening.append(float(points[LIP_LOWER_OUTER, 1] - points[LIP_UPPER_OUTER, 1]))
            # The eyes' inner corners stay where they are when the mouth moves.
            anchor = (points[EYE_INNER_RIGHT] + points[EYE_INNER_LEFT]) / 2
            places.append((points[list(_LIPS)] - anchor) * face.eye_span)
    return _Lips(np.array(gap), np.array(opening), np.array(places))


def _judge(avatar: str, lips: _Lips, performance: Performance) -> list[Row]:
    spoken = slice(SILENT_FRAMES, SILENT_FRAMES + len(performance.patches))
    quiet = np.ones(len(lips.gap), bool)
    quiet[spoken.start : spoken.stop + REST_FRAMES] = False
    rest = float(np.median(lips.gap[quiet]))
    gap = lips.gap[spoken] - rest
    pressed = [p for p in performance.phonemes if p.symbol in PRESSED]
    seen = 0
    for sound in pressed:
        # Only the sound's own frames count: a closure that comes late or early is none.
        seen += bool(gap[int(sound.start * FPS) : int(sound.end * FPS) + 1].min() <= CLOSED)
    aperture = np.array([patch.aperture for patch in performance.patches])
    wide = aperture >= WIDE_APERTURE
    moved = int((np.abs(lips.gap[quiet] - rest) > MOVED).sum())
    steps = np.linalg.norm(np.diff(lips.places, axis=0), axis=-1).mean(axis=-1)
    # Step k leads from frame k to frame k + 1.
    jump = max(steps[spoken.start - 1], *steps[spoken.stop - 1 : spoken.stop + REST_FRAMES])
    return [
        Row(f"{avatar}: closures seen", seen / len(pressed), "of all", 1, "higher", f"{len(pressed)} m b p"),
        Row(
            f"{avatar}: opening against aperture",
            float(np.corrcoef(lips.opening[spoken], aperture)[0, 1]),
            "correlation",
            0.9,
            "higher",
        ),
        Row(
            f"{avatar}: wide open mouths taken for closed",
            float((gap[wide] <= CLOSED).mean()),
            "of all",
            0,
            note="the control of the first figure",
        ),
        Row(f"{avatar}: frames that move the mouth in silence", moved, "frames", 0),
        Row(
            f"{avatar}: largest step of the lips where speech begins or ends",
            float(jump),
            "px",
            LARGEST_JUMP,
            note=f"largest step within the speech: {steps[spoken].max():.1f} px",
        ),
    ]


async def measure() -> list[Row]:
    performance = await perform(TEXT)
    return await asyncio.to_thread(_measure, performance)


def _measure(performance: Performance) -> list[Row]:
    finder = FaceFinder()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        store = AvatarStore(Path(folder) / "avatars")
        photo = cv2.imencode(".png", np.ascontiguousarray(astronaut()[..., ::-1]))[1].tobytes()
        create_avatar(photo, PHOTO, store, finder=finder)
        for avatar in ("mira", "theo", PHOTO):
            path = Path(folder) / f"{avatar}.mp4"
            _film(store, avatar, performance, path)
            rows += _judge(avatar, _watch(path, finder), performance)
    return rows
