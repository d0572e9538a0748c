"""How a forward loop is closed."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from precompute.loop import Stretch
from precompute.loop_seam import loop_frames, loop_points, mix
from precompute.mesh_points import UPPER_FACE
from tests.support.videos import swaying

FADE = 8
STRETCH = Stretch(20, 60, (0.0, 0.0), 0.0, (), "forward", FADE)


def blob(x, size=96):
    """A bright disc on a pattern that stays."""
    y, across = np.mgrid[0:size, 0:size]
    ground = 70 + 20 * np.sin(across / 5) + 20 * np.cos(y / 7)
    disc = 1 / (1 + np.exp(np.hypot(across - x, y - size / 2) - 14))
    return np.repeat((ground + disc * (220 - ground))[..., None], 3, axis=2).astype(np.uint8)


def middles(picture):
    bright = np.flatnonzero(picture[48, :, 0] > 150)
    return bright.min(), bright.max()


def frames_of(path):
    asked = []

    def frames(begin, end):
        asked.append((begin, end))
        return (blob(path[n]) for n in range(begin, end))

    return frames, asked


def test_the_end_turns_into_what_was_before_the_beginning():
    path = 40 + 0.12 * np.arange(80)
    frames, asked = frames_of(path)
    made = list(loop_frames(frames, STRETCH, lambda picture: picture))
    assert asked == [(12, 60)] and len(made) == 40
    for place, picture in enumerate(made[: 40 - FADE]):
        np.testing.assert_array_equal(picture, blob(path[20 + place]))
    near = np.abs(made[-1].astype(int) - blob(path[19])).mean()
    assert near < 1 < np.abs(blob(path[59]).astype(int) - blob(path[19])).mean()
    steps = [np.abs(b.astype(int) - a).mean() for a, b in pairwise([*made, made[0]])]
    hard = np.abs(blob(path[59]).astype(int) - blob(path[20])).mean()
    assert max(steps) < hard / 3


def test_what_is_in_both_stays_single():
    left, right = blob(40.0), blob(46.0)
    for share in (0.25, 0.5, 0.75):
        low, high = middles(mix(left, right, share))
        wanted = 40 + 6 * share
        assert abs((low + high) / 2 - wanted) < 1
        # Plain mixing makes it wider, with two faint sides.
        assert abs((high - low) - (middles(left)[1] - middles(left)[0])) <= 1
    np.testing.assert_array_equal(mix(left, left, 0.5), left)


def test_a_mirrored_loop_is_left_as_it_is():
    path = 30 + 0.2 * np.arange(80)
    frames, asked = frames_of(path)
    made = list(loop_frames(frames, Stretch(10, 15, (0.0, 0.0), 0.0, ()), lambda picture: picture))
    assert asked == [(10, 15)]
    for place, picture in enumerate(made):
        np.testing.assert_array_equal(picture, blob(path[10 + place]))


def test_landmarks_go_the_same_way():
    points = np.arange(80, dtype=np.float32)[:, None, None] * np.ones((1, 468, 2), np.float32)
    made = loop_points(points, STRETCH)[:, 0, 0]
    np.testing.assert_array_equal(made[: 40 - FADE], np.arange(20, 60 - FADE))
    assert abs(made[-1] - 19) < 2 and 50 < made[40 - FADE] < 53
    assert points[59, 0, 0] == 59, "what was seen is not changed"
    np.testing.assert_array_equal(
        loop_points(points, Stretch(5, 9, (0.0, 0.0), 0.0, ()))[:, 0, 0], [5, 6, 7, 8]
    )


@pytest.mark.parametrize("apart", [0.02, 0.04])
def test_a_real_face_meets_itself_without_a_ghost(closed, finder, apart):
    """Landmarks found in the mixed frames lie where they are said to lie, between both."""
    still = next(swaying(closed, 0.1, width=320, height=320))
    mesh = finder.mesh(still, finder.detect(still)[0])
    width = float(np.ptp(mesh.points[:, 0]))
    move = np.array([[1, 0, apart * width], [0, 1, apart * width / 2]])
    other = np.asarray(cv2.warpAffine(still, move, (320, 320), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    between = mix(still, other, 0.5)
    found = finder.mesh(between, finder.detect(between)[0]).points[list(UPPER_FACE), :2]
    wanted = mesh.points[list(UPPER_FACE), :2] + move[:, 2] / 2
    assert np.linalg.norm(found - wanted, axis=1).mean() < 0.005 * width
    half = np.array([[1, 0, apart * width / 2], [0, 1, apart * width / 4]])
    truth = cv2.warpAffine(still, half, (320, 320), borderMode=cv2.BORDER_REPLICATE).astype(int)
    plain = cv2.addWeighted(still, 0.5, other, 0.5, 0).astype(int)
    inside = np.s_[100:260, 80:240]
    assert np.abs(between.astype(int) - truth)[inside].mean() < np.abs(plain - truth)[inside].mean()
