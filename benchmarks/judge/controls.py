"""Can the judge be trusted? It looks at mouths whose opening is known, and at one that holds still."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from avatars.store import AvatarStore
from benchmarks.judge.film import IDLE_FRAMES, pictures, shoot
from benchmarks.judge.reader import MouthReader, Seen
from benchmarks.judge.scores import CLOSED, Rest, closed_frames, moved_frames
from precompute.landmarks import FaceFinder
from streaming.slots import MouthShape, Patch
from streaming.timing import FPS, SLOT_SAMPLES

APERTURES = (0.0, 0.05, 0.10, 0.15, 0.20, 0.30, 0.45, 0.60, 0.80, 1.0)
WIDTHS = (-0.7, 0.0, 0.7)
HOLD_FRAMES, SETTLE_FRAMES = 7, 4
"""Frames of each pose, and how many of them the mouth may need to get there."""
STILL_FRAMES = 20 * FPS
"""Idle frames in which nothing may seem to move."""
OPEN = 0.20
"""From this aperture on a mouth must not look closed."""
PARTED = 0.15
"""From this aperture on a mouth at rest has moved."""
NARROWEST_WIDE = 0.05
"""Widths are compared on mouths that are at least this far open: closed lips hide half of them."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the judge sees of mouths that it is shown.

    Attributes:
        order: rank correlation of the opening seen with the aperture shown, over all widths.
        line: their correlation: no face can score much better.
        pixel_line: the same for what is seen between the lips.
        landmark_line: the same for the distance of the outer lips.
        width_line: correlation of the width seen with that shown.
        pressed: share of pressed and resting mouths that look closed.
        open_closed: share of mouths from aperture ``OPEN`` on that look closed.
        closed_until: the aperture at which a mouth of plain width stops looking closed.
        still_moving: share of idle frames that seem to move.
        parted_moving: share of frames with lips parted by ``PARTED`` or more that are seen to have moved.
    """

    order: float
    line: float
    pixel_line: float
    landmark_line: float
    width_line: float
    pressed: float
    open_closed: float
    closed_until: float
    still_moving: float
    parted_moving: float


def check(root: Path, avatar: str) -> Controls:
    """Show the judge every opening and width of an avatar, closed lips, and 20 seconds of idle."""
    open_poses = [MouthShape(aperture=a, width=w) for w, a in product(WIDTHS, APERTURES)]
    shut_poses = [MouthShape(press=1.0), MouthShape(press=0.5), MouthShape()]
    poses = open_poses + shut_poses
    patches: list[Patch | None] = [None] * STILL_FRAMES
    for pose in poses:
        patches += [pose] * HOLD_FRAMES
    patches += [None] * IDLE_FRAMES
    silence = np.zeros(SLOT_SAMPLES, np.float32)
    finder = FaceFinder()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "controls.mp4"
        shoot(AvatarStore(root), avatar, ((patch, silence) for patch in patches), path)
        seen = MouthReader(finder).read(pictures(path))
    return _judge(seen, poses, len(open_poses))


def _judge(seen: Seen, poses: list[MouthShape], open_count: int) -> Controls:
    still = np.zeros(len(seen.opening), bool)
    still[:STILL_FRAMES] = True
    rest = Rest.of(seen, still)
    closed, moved = closed_frames(seen, rest), moved_frames(seen, rest)
    starts = STILL_FRAMES + HOLD_FRAMES * np.arange(len(poses))
    held = starts[:, None] + np.arange(SETTLE_FRAMES, HOLD_FRAMES)
    swept = held[:open_count]
    aperture = np.repeat([pose.aperture for pose in poses[:open_count]], held.shape[1])
    width = np.repeat([pose.width for pose in poses[:open_count]], held.shape[1])
    opening = seen.opening[swept].ravel()
    wide = aperture >= NARROWEST_WIDE
    return Controls(
        order=float(np.corrcoef(rankdata(opening), rankdata(aperture))[0, 1]),
        line=float(np.corrcoef(opening, aperture)[0, 1]),
        pixel_line=float(np.corrcoef(seen.between[swept].ravel(), aperture)[0, 1]),
        landmark_line=float(np.corrcoef(seen.outer[swept].ravel(), aperture)[0, 1]),
        width_line=float(np.corrcoef(seen.width[swept].ravel()[wide], width[wide])[0, 1]),
        pressed=float(closed[held[open_count:]].mean()),
        open_closed=float(closed[swept].ravel()[aperture >= OPEN].mean()),
        closed_until=_closed_until(seen, rest, held, poses[:open_count]),
        still_moving=float(moved[:STILL_FRAMES].mean()),
        parted_moving=float(moved[swept].ravel()[aperture >= PARTED].mean()),
    )


def _closed_until(seen: Seen, rest: Rest, held: np.ndarray, poses: list[MouthShape]) -> float:
    """Where the opening seen crosses the limit, between the apertures shown."""
    plain = [i for i, pose in enumerate(poses) if pose.width == 0]
    heights = np.array([np.median(seen.between[held[i]]) for i in plain]) - rest.between
    apertures = np.array([poses[i].aperture for i in plain])
    # Heights rise but for noise; the last crossing counts.
    last = int(np.flatnonzero(heights <= CLOSED)[-1])
    if last + 1 == len(heights):
        return float(apertures[-1])
    share = (CLOSED - heights[last]) / (heights[last + 1] - heights[last])
    return float(apertures[last] + share * (apertures[last + 1] - apertures[last]))
