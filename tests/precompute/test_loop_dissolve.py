"""Dissolves are found, and what moves or gets lighter is none."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, chelsea

from precompute.loop_dissolve import dissolves


def grey(picture, size=(64, 36)):
    return cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(
        float
    )


def noisy(pictures):
    rng = np.random.default_rng(1)
    return np.clip(np.array([p + rng.normal(0, 0.5, p.shape) for p in pictures]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("length", [8, 15, 25])
def test_a_dissolve_is_found_where_it_is(length):
    one, other = grey(astronaut()), grey(chelsea())
    share = np.clip((np.arange(100) - 40) / length, 0, 1)
    found = np.flatnonzero(dissolves(noisy([one * (1 - s) + other * s for s in share])))
    assert found.size >= length // 2
    assert 36 <= found[0] and found[-1] <= 44 + length
    assert 40 + length // 2 in found


def test_cuts_light_and_motion_are_none():
    one, other = grey(astronaut()), grey(chelsea())
    assert not dissolves(noisy([one] * 40 + [other] * 40)).any()
    assert not dissolves(noisy([one * (0.6 + 0.4 * np.sin(n / 12)) for n in range(80)])).any()
    wide = grey(astronaut(), (120, 36))
    assert not dissolves(noisy([wide[:, n // 2 : n // 2 + 64] for n in range(100)])).any()


def test_short_videos_have_none():
    assert dissolves(np.zeros((3, 36, 64), np.uint8)).tolist() == [False] * 3
    assert dissolves(np.zeros((0, 36, 64), np.uint8)).size == 0
