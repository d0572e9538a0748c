"""Measures lips in pictures and lays sound and mouth over what the engines made. Times in milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from precompute.landmarks import FaceFinder
from streaming.timing import SLOT_SECONDS

LEVEL_MS = 10.0
SLOT_MS = SLOT_SECONDS * 1000
STEP_MS = 5.0
LEAST_RECEIVED = 0.8
"""Share of a curve that must have been received for a comparison to count."""

Curve = NDArray[np.float64]


def mouth_openings(pictures: Sequence[NDArray[np.uint8]]) -> Curve:
    """Gap between the inner lips over the eye span, in each picture of one face."""
    finder = FaceFinder()
    faces = finder.detect(pictures[0])
    assert len(faces) == 1, f"{len(faces)} faces in the first picture"
    mesh = finder.mesh(pictures[0], faces[0])
    found = []
    for picture in pictures:
        mesh = finder.mesh_once(picture, mesh)
        assert mesh.presence > 0.5, "the face is lost"
        found.append(mesh.mouth_opening)
    return np.array(found)


def correlation(one: Curve, other: Curve) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if one.std() > 0 and other.std() > 0 else 0.0


def best_start(
    times: Curve, values: Curve, made: Curve, made_step: float, starts: Iterable[float]
) -> tuple[float, float]:
    """When a made curve began in a received one: the start with the highest correlation, and that.

    Args:
        times: when each received value was, rising.
        values: what was received.
        made: what was made, one value every ``made_step`` from its start.
        made_step: distance of the made values.
        starts: candidates.
    """
    clock = np.arange(len(made)) * made_step
    expected = clock[-1] / np.diff(times).mean()
    tried = []
    for start in starts:
        within = (times >= start) & (times <= start + clock[-1])
        if within.sum() >= LEAST_RECEIVED * expected:
            tried.append((correlation(values[within], np.interp(times[within] - start, clock, made)), start))
    assert tried, "nothing was received in this span"
    score, start = max(tried)
    return start, score
