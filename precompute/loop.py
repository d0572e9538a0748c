"""The best stretch of a video for an avatar's idle loop, and how the loop goes on at its end.

Where the end of a stretch meets its beginning well enough, the loop is played forwards: people breathe and
nod, and hair falls, as they do. Else it is played forwards and backwards and has no seam; what shows then is
where it turns round, unless the head is nearly at rest there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, percentile_filter

from avatars.manifest import LoopKind
from precompute.errors import AvatarRejected
from precompute.loop_match import FADE, seams
from precompute.loop_track import COVERED, CUT_OFF, DISSOLVE, NO_FACE, SUDDEN, TURNED, TWO_FACES, Sights
from precompute.mesh_points import UPPER_FACE
from streaming.timing import FPS

MIN_SECONDS = 3.0
MAX_SECONDS = 30.0
"""Longer ones take more memory than a loop may when it is played."""

CUT_RATIO = 4.0
"""A cut changes the thumbnail suddenly, and by this many times what the frames around it do."""
CUT_WINDOW = 17
"""Frames around a frame that tell how much moves anyway."""
JUMP = 0.35
"""Widths of the face that it moves from one frame to the next only in a cut."""
STILL_LEVELS = 0.02
"""A camera's own noise changes a thumbnail by more, or at least now and then."""
STILL_FRAMES = 12
"""From this many on, a standstill is seen as one."""

CALM = 2.0
"""Standard deviation in frames of the smoothing of landmarks before their speed is taken."""
EASY_SPEED = 0.12
"""Widths of the face per second at a turning point that cost as much as a loop that is 2.7 times as short."""
OPEN_MOUTH = 0.1
"""Gap between the lips over the eye span, above which somebody speaks."""
SPEECH_COST = 2.0
"""Of a stretch in which the mouth is open all the time; in the same measure."""
MIN_FORWARD_SECONDS = 4.0
"""A shorter one comes back too often."""
MAX_SEAM = 0.04
"""Widths of the face by which a forward loop may differ from itself at its seam, which is smoothed."""
EASY_SEAM = 0.025
"""What costs as much as a loop that is 2.7 times as short."""
FORWARD_WORTH = 1.0
"""Of breath, hair and cloth that never run backwards, in the same measure; and of the head's motion as much
as it would cost at a turning point."""

FROZEN, CUT, UNUSED = "frozen", "cut", "unused"
REASONS = {
    NO_FACE: "no face",
    TWO_FACES: "two faces",
    TURNED: "the face is turned away",
    CUT_OFF: "the face is cut off",
    COVERED: "something is before the mouth",
    DISSOLVE: "a dissolve",
    FROZEN: "the picture stands still",
    CUT: "a cut",
    UNUSED: "not needed",
}
"""Everything that is left out, in words."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of the video that the loop does without.

    Attributes:
        begin: seconds.
        end: seconds; the same as ``begin`` for a cut.
        reason: a key of ``REASONS``.
    """

    begin: float
    end: float
    reason: str

    def __str__(self) -> str:
        return f"{times(self.begin, self.end)}: {REASONS[self.reason]}"


def times(begin: float, end: float) -> str:
    """A part of a video, or a moment of it, in tenths of a second; finer where these say the same."""
    if begin == end:
        return f"{begin:.1f} s"
    digits = 1 if f"{begin:.1f}" != f"{end:.1f}" else 2
    return f"{begin:.{digits}f}-{end:.{digits}f} s"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which frames become the loop.

    Attributes:
        begin: the first.
        end: the one behind the last.
        speeds: of the head where the loop turns round, at its first and last frame, in widths of the face per
            second; 0 of a forward loop.
        speaking: share of the frames in which the mouth is open.
        left_out: all else, in order.
        kind: how it goes on at its end.
        fade: frames at its end that turn into those before its beginning; 0 of a mirrored loop.
        seam: how much these differ, in widths of the face.
    """

    begin: int
    end: int
    speeds: tuple[float, float]
    speaking: float
    left_out: tuple[LeftOut, ...]
    kind: LoopKind = "mirrored"
    fade: int = 0
    seam: float = 0.0


def choose_stretch(sights: Sights) -> Stretch:
    """Choose the stretch: long, and with the mouth closed if there is a choice.

    One that can be played forwards, or else one that is at rest where it turns round.

    Args:
        sights: of a whole video at 25 frames per second.

    Raises:
        AvatarRejected: no stretch is long enough; the code is that of what most of the video suffers from:
            ``no_face``, ``several_faces``, ``face_turned_away``, ``face_cut_off``, ``frozen_video``,
            ``video_too_short`` or ``no_steady_stretch``. The message has the times.
    """
    problems = list(sights.problems)
    for index in _standstills(sights.changes):
        problems[index] = problems[index] or FROZEN
    cuts = _cuts(sights)
    runs = _runs(problems, cuts)
    least = round(MIN_SECONDS * FPS)
    usable = [run for run in runs if run[1] - run[0] >= least]
    if not usable:
        raise _rejection(problems, cuts)
    back = max((_best_of(sights, *run) for run in usable), key=lambda found: found.score)
    on = max((_best_forward(sights, *run) for run in usable), key=lambda found: found.score)
    worth = FORWARD_WORTH + float(_speeds(sights.meshes[back.begin : back.end]).mean()) / EASY_SPEED
    best = on if on.score + worth > back.score else back
    begin, end = best.begin, best.end
    return Stretch(
        begin,
        end,
        best.speeds,
        float((sights.mouths[begin:end] > OPEN_MOUTH).mean()),
        tuple(_left_out(problems, cuts, begin, end)),
        *(("forward", FADE, best.seam) if best is on else ("mirrored", 0, 0.0)),
    )


class _Found(NamedTuple):
    """The best stretch of its kind within some frames, and how good it is."""

    score: float
    begin: int
    end: int
    speeds: tuple[float, float] = (0.0, 0.0)
    seam: float = 0.0


def _best_forward(sights: Sights, first: int, behind: int) -> _Found:
    """The best stretch of frames that can be used whose end meets its beginning; a score of -inf: none."""
    least, most = round(MIN_FORWARD_SECONDS * FPS), round(MAX_SECONDS * FPS)
    if behind - first < least + FADE + 1:
        return _Found(-np.inf, first, behind)
    differ = seams(sights, first, behind)
    places = np.arange(behind - first)
    length = places[None] - places[:, None]
    opened = np.concatenate([[0], np.cumsum(sights.mouths[first:behind] > OPEN_MOUTH)])[:-1]
    spoken = (opened[None] - opened[:, None]) / np.maximum(length, 1)
    score = np.log(np.maximum(length, 1) / round(MIN_SECONDS * FPS)) - SPEECH_COST * spoken
    score = score - differ / EASY_SEAM
    score[(length < least) | (length > most) | (differ > MAX_SEAM)] = -np.inf
    begin, end = (int(place) for place in np.unravel_index(int(score.argmax()), score.shape))
    return _Found(float(score[begin, end]), first + begin, first + end, seam=float(differ[begin, end]))


def _best_of(sights: Sights, first: int, behind: int) -> _Found:
    """The best stretch of frames that can be used that goes back at its end."""
    speed = _speeds(sights.meshes[first:behind])
    opened = np.concatenate([[0], np.cumsum(sights.mouths[first:behind] > OPEN_MOUTH)])
    least, most = round(MIN_SECONDS * FPS), round(MAX_SECONDS * FPS)
    best = _Found(-np.inf, first, behind)
    for begin in range(behind - first - least + 1):
        ends = np.arange(begin + least, min(behind - first, begin + most) + 1)
        length = ends - begin
        spoken = (opened[ends] - opened[begin]) / length
        turning = (speed[begin] + speed[ends - 1]) / EASY_SPEED
        score = np.log(length / least) - turning - SPEECH_COST * spoken
        at = int(score.argmax())
        if score[at] > best.score:
            speeds = float(speed[begin]), float(speed[ends[at] - 1])
            best = _Found(float(score[at]), first + begin, first + int(ends[at]), speeds)
    return best


def _speeds(meshes: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N,) speed of the head in widths of the face per second."""
    points = gaussian_filter1d(meshes[:, list(UPPER_FACE)].astype(np.float64), CALM, axis=0, mode="nearest")
    width = float(np.median(_widths(meshes)))
    steps = np.linalg.norm(np.gradient(points, axis=0), axis=2).mean(axis=1)
    return steps * FPS / max(width, 1e-6)


def _widths(meshes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ptp(meshes[..., 0], axis=1)


def _standstills(changes: NDArray[np.float64]) -> list[int]:
    found: list[int] = []
    run: list[int] = []
    for index, change in enumerate([*changes[1:], np.inf], start=1):
        if change < STILL_LEVELS:
            run.append(index)
            continue
        if len(run) >= STILL_FRAMES:
            found += run
        run = []
    return found


def _cuts(sights: Sights) -> set[int]:
    """Frames that do not follow those before them."""
    usual = percentile_filter(sights.changes, 75, CUT_WINDOW, mode="nearest")
    sudden = (sights.changes > SUDDEN) & (sights.changes > CUT_RATIO * usual)
    # Not across frames that were shown on: within them, a face moves as far as in several.
    middles = sights.meshes.mean(axis=1)
    moved = np.linalg.norm(np.diff(middles, axis=0, prepend=middles[:1]), axis=1)
    jumps = moved > JUMP * _widths(sights.meshes) * _times_shown(sights.changes)
    return {int(n) for n in np.flatnonzero(sudden | jumps) if n > 0}


def _times_shown(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) for how many frames the picture before each was shown."""
    times = np.ones(len(changes))
    for index in range(1, len(changes)):
        times[index] = times[index - 1] + 1 if changes[index - 1] == 0 and index > 1 else 1
    return times


def _runs(problems: list[str], cuts: set[int]) -> list[tuple[int, int]]:
    """Stretches of frames that can all be used and follow each other."""
    runs: list[tuple[int, int]] = []
    begin: int | None = None
    for index, problem in enumerate([*problems, "end"]):
        if begin is not None and (problem or index in cuts):
            runs.append((begin, index))
            begin = None
        if begin is None and not problem:
            begin = index
    return runs


def _left_out(problems: list[str], cuts: set[int], begin: int, end: int) -> list[LeftOut]:
    """All but the frames from ``begin`` to ``end``, in order."""
    reasons = ["" if begin <= index < end else problem or UNUSED for index, problem in enumerate(problems)]
    found: list[LeftOut] = []
    start = 0
    for index in range(1, len(reasons) + 1):
        if index == len(reasons) or reasons[index] != reasons[start] or index in cuts:
            if reasons[start]:
                found.append(LeftOut(start / FPS, index / FPS, reasons[start]))
            if index in cuts:
                found.append(LeftOut(index / FPS, index / FPS, CUT))
            start = index
    return found


_ASKS = {
    NO_FACE: ("no_face", "Send a video of one person who looks into the camera, evenly lit."),
    TWO_FACES: ("several_faces", "Send a video that shows only one person."),
    TURNED: ("face_turned_away", "Send a video in which the person looks into the camera."),
    CUT_OFF: ("face_cut_off", "Send a video that shows the whole head all the time."),
    COVERED: (
        "mouth_covered",
        "Send a video in which no hand, cup or microphone comes before the mouth.",
    ),
    DISSOLVE: ("no_steady_stretch", "Send one take of 10 to 30 seconds, without dissolves."),
    FROZEN: ("frozen_video", "The picture hardly moves: make the avatar from a photo instead."),
}
_SHOWN = 8


def _rejection(problems: list[str], cuts: set[int]) -> AvatarRejected:
    found = [str(part) for part in _left_out(problems, cuts, 0, 0) if part.reason != UNUSED]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    listed = f" Left out: {'; '.join(found[:_SHOWN])}{more}." if found else ""
    code, ask = "no_steady_stretch", "Send 10 to 30 seconds in which one person looks into the camera."
    if not found:
        code = "video_too_short"
    for problem, times in Counter(problem for problem in problems if problem).most_common(1):
        if 2 * times >= len(problems):
            code, ask = _ASKS[problem]
    return AvatarRejected(
        code, f"No {MIN_SECONDS:g} seconds of the video in a row can be used.{listed} {ask}"
    )
