"""Figures of one film: how what is seen fits what is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.film import Span, quiet_of
from benchmarks.judge.reader import Seen
from benchmarks.judge.targets import LARGEST_SHIFT, Targets
from benchmarks.judge.utterances import UtteranceSet
from streaming.compositor.easing import REST_FRAMES
from streaming.face.coarticulation import RATE

CLOSED = 0.010
"""Lips between which at most this much more is seen than at rest look closed, in eye spans (1.2 pixels of a
512 x 512 avatar). The controls say what that means in openings of the mouth."""
MOVED_BETWEEN, MOVED_OUTER, MOVED_WIDTH = 0.010, 0.020, 0.030
"""A mouth that differs more from rest in one of these has moved. Blinks, nods and compression move the
measures by up to two thirds as much."""
LARGEST_JUMP = 3.0
"""Pixels that the lips may move in one frame where speech begins or ends."""
STEADY = 0.004
"""The mouth holds still where its opening changes by less than this from frame to frame."""
SHIFT_STEP = 2
"""Lags are looked for in steps of this many samples of the curves: 10 ms."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What one film reached; ``None`` where its set has no such thing.

    Attributes:
        opening: correlation of the opening with that of the sounds' curves, at the moment shown.
        width: the same for the distance of the mouth's corners.
        closures: share of m, b and p seen closed, within the tolerance of the set.
        own_closures: share seen closed in the sound's own frames.
        closure_count: how many m, b and p there are.
        vowels_closed: share of open vowels that look closed around their middle, within the same tolerance:
            how many closures would be seen by chance.
        vowel_count: how many such vowels.
        false_closures: share of frames that look closed though lips should be apart.
        lag: milliseconds by which the mouth is late where the correlation is best.
        moving: share of quiet frames in which the mouth is not at rest.
        pauses_moving: the same for pauses within utterances, in which the face hears breath and room.
        jump: largest step of the lips in pixels where speech begins or ends.
        flicker: mean second difference of luma where the mouth holds still, in grey levels.
        sharpness: gradient energy of the mouth region in quiet frames over that of the avatar's still.
        wobble: its standard deviation over its mean.
    """

    opening: float | None
    width: float | None
    closures: float | None
    own_closures: float | None
    closure_count: int
    vowels_closed: float | None
    vowel_count: int
    false_closures: float | None
    lag: float | None
    moving: float
    pauses_moving: float | None
    jump: float | None
    flicker: float
    sharpness: float
    wobble: float


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """What a mouth at rest measures."""

    between: float
    outer: float
    width: float

    @classmethod
    def of(cls, seen: Seen, quiet: NDArray[np.bool_]) -> Rest:
        """Medians of the quiet frames."""
        return cls(*(float(np.median(curve[quiet])) for curve in (seen.between, seen.outer, seen.width)))


def closed_frames(seen: Seen, rest: Rest) -> NDArray[np.bool_]:
    """(n,) frames in which the lips look closed."""
    return seen.between - rest.between <= CLOSED


def moved_frames(seen: Seen, rest: Rest) -> NDArray[np.bool_]:
    """(n,) frames in which the mouth is not at rest."""
    return (
        (np.abs(seen.between - rest.between) > MOVED_BETWEEN)
        | (np.abs(seen.outer - rest.outer) > MOVED_OUTER)
        | (np.abs(seen.width - rest.width) > MOVED_WIDTH)
    )


def score(
    spoken: UtteranceSet, spans: Sequence[Span], seen: Seen, still_sharpness: float, group: str | None = None
) -> Scores:
    """Score a film, or those of its utterances that belong to ``group``."""
    quiet = quiet_of(spans)
    rest = Rest.of(seen, quiet)
    chosen = [i for i, u in enumerate(spoken.utterances) if group in (None, u.group)]
    films = [(spans[i], spoken.utterances[i]) for i in chosen]
    closed, moved = closed_frames(seen, rest), moved_frames(seen, rest)
    timed = [(span, Targets(u.phonemes, u.frames)) for span, u in films if u.phonemes]
    if not timed:
        # Nobody speaks, so every frame that the face made should be at rest.
        quiet = np.zeros_like(quiet)
        for span, _ in films:
            quiet[span.frames] = True
    tolerance = spoken.goals.tolerance
    vowels = _windows(timed, closed, [t.open_vowels(tolerance) for _, t in timed])
    apart = _chosen(timed, closed, [t.apart() for _, t in timed])
    pauses = _chosen(timed, moved, [t.resting() for _, t in timed])
    recall = _windows(timed, closed, [t.closures(tolerance) for _, t in timed])
    own = _windows(timed, closed, [t.closures(0) for _, t in timed])
    steady = _steady(seen)
    sharp = seen.sharpness[quiet_of(spans)]
    return Scores(
        opening=_correlation(timed, seen.opening, 0),
        width=_width(timed, seen.width),
        closures=_share(recall),
        own_closures=_share(own),
        closure_count=len(recall),
        vowels_closed=_share(vowels),
        vowel_count=len(vowels),
        false_closures=float(apart.mean()) if apart.size else None,
        lag=_lag(timed, seen.opening),
        moving=float(moved[quiet].mean()),
        pauses_moving=float(pauses.mean()) if pauses.size else None,
        jump=_jump([span for span, _ in films], seen) if timed else None,
        flicker=float(seen.flicker[steady].mean()) if steady.any() else 0.0,
        sharpness=float(np.median(sharp)) / still_sharpness,
        wobble=float(sharp.std() / sharp.mean()),
    )


def _windows(
    timed: Sequence[tuple[Span, Targets]], closed: NDArray[np.bool_], windows: Sequence[Sequence[range]]
) -> list[bool]:
    """Whether the lips look closed at least once in each window."""
    return [
        bool(closed[span.first + window.start : span.first + window.stop].any())
        for (span, _), row in zip(timed, windows, strict=True)
        for window in row
    ]


def _chosen(
    timed: Sequence[tuple[Span, Targets]], flags: NDArray[np.bool_], frames: Sequence[NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """The flags of the frames that are chosen in each utterance."""
    rows = [flags[span.frames][chosen] for (span, _), chosen in zip(timed, frames, strict=True)]
    return np.concatenate(rows) if rows else np.zeros(0, bool)


def _share(hits: list[bool]) -> float | None:
    return float(np.mean(hits)) if hits else None


def _correlation(
    timed: Sequence[tuple[Span, Targets]], curve: NDArray[np.float64], shift: int
) -> float | None:
    if not timed:
        return None
    wanted = np.concatenate([targets.aperture(shift) for _, targets in timed])
    return _likeness(np.concatenate([curve[span.frames] for span, _ in timed]), wanted)


def _width(timed: Sequence[tuple[Span, Targets]], curve: NDArray[np.float64]) -> float | None:
    if not timed:
        return None
    wanted = np.concatenate([targets.width() for _, targets in timed])
    return _likeness(np.concatenate([curve[span.frames] for span, _ in timed]), wanted)


def _likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Correlation; 0 when one of them never changes."""
    if one.std() < 1e-9 or other.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _lag(timed: Sequence[tuple[Span, Targets]], curve: NDArray[np.float64]) -> float | None:
    if not timed:
        return None
    shifts = range(-LARGEST_SHIFT, LARGEST_SHIFT + 1, SHIFT_STEP)
    best = max(shifts, key=lambda shift: _correlation(timed, curve, shift) or 0.0)
    # The frame shows what belongs to a later moment when the mouth is early.
    return 1000.0 * -best / RATE


def _jump(spans: Sequence[Span], seen: Seen) -> float:
    steps = np.linalg.norm(np.diff(seen.places, axis=0), axis=-1).mean(axis=-1)
    # Step k leads from frame k to frame k + 1.
    edges = [
        step
        for span in spans
        for step in (steps[span.first - 1], *steps[span.stop - 1 : span.stop + REST_FRAMES])
    ]
    return float(max(edges))


def _steady(seen: Seen) -> NDArray[np.bool_]:
    """(n,) frames whose mouth is as open as in the frames before and after."""
    change = np.abs(np.diff(seen.opening)) < STEADY
    steady = np.zeros(len(seen.opening), bool)
    steady[1:-1] = change[:-1] & change[1:]
    return steady
