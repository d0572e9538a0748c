"""Where a face is in each frame is calm, and yet where the face is."""

import numpy as np
import pytest

from avatars.manifest import LoopKind
from precompute.moving.fitting import Fit, smooth_fits

FRAMES = 160
TERMS = np.array([[0.0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]])


def _smoothed(xs, opened, kind: LoopKind = "forward"):
    fits = [Fit(np.array([x, 200.0]), TERMS, 1.0, 120.0) for x in xs]
    return np.array([fit.centre[0] for fit in smooth_fits(fits, np.full(FRAMES, opened), kind)])


@pytest.mark.parametrize("opened", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("kind", ["forward", "mirrored"])
def test_a_mouth_goes_along_with_a_head_that_sways_quickly(opened, kind):
    sway = 200 + 10 * np.sin(2 * np.pi * np.arange(FRAMES) / 40)
    assert np.abs(_smoothed(sway, opened, kind) - sway).max() < 0.4


def test_a_mouth_that_talks_in_the_film_does_not_make_the_drawn_one_tremble():
    trembling = 200 + np.random.default_rng(1).normal(0, 0.5, FRAMES)
    assert np.diff(_smoothed(trembling, 0.5)).std() < 0.15 * np.diff(trembling).std()
