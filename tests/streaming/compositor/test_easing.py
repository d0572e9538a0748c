import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.compositor.easing import (
    MAX_CLOSING,
    MAX_OPENING,
    NEARLY_SHUT,
    REST_FRAMES,
    REST_POSE,
    MouthFollower,
    pose_of,
)
from streaming.slots import MouthShape

unit = st.floats(0, 1)
shapes = st.builds(
    MouthShape, aperture=unit, width=st.floats(-1, 1), press=unit, bite=unit, tongue=unit, energy=unit
)


def test_an_open_shape_is_taken_as_it_is():
    assert pose_of(MouthShape(0.7, -0.4))[:4] == (0.7, -0.4, 0, 0)
    assert pose_of(MouthShape()) == REST_POSE


@given(shapes)
def test_press_and_bite_never_lie_over_an_open_mouth(shape):
    pose = pose_of(shape)
    if pose.press > 0:
        assert pose.aperture < NEARLY_SHUT
    if pose.bite > 0:
        assert pose.aperture < 2 * NEARLY_SHUT
    assert pose.press + pose.bite <= 1 + 1e-9
    assert 0 <= pose.aperture <= shape.aperture


def test_a_press_closes_first_and_presses_then():
    poses = [pose_of(MouthShape(0.8, press=k / 20)) for k in range(21)]
    assert all(b.aperture <= a.aperture and b.press >= a.press for a, b in itertools.pairwise(poses))
    assert poses[8].press == 0
    assert poses[20].aperture == 0 and poses[20].press == 1
    assert max(b.press - a.press for a, b in itertools.pairwise(poses)) < 0.6


def test_the_tongue_shows_only_near_its_own_aperture():
    assert pose_of(MouthShape(0.25, tongue=1)).tongue == 1
    assert pose_of(MouthShape(0.9, tongue=1)).tongue == 0
    # Its pictures are neither wide nor round; such a mouth keeps its width and hides the tongue.
    assert pose_of(MouthShape(0.25, width=0.8, tongue=1)).tongue == 0
    assert pose_of(MouthShape(0.25, width=-0.3, tongue=1)).tongue == 0.5
    assert pose_of(MouthShape(0, press=1, tongue=1)).tongue == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 7, -7])
def test_numbers_out_of_range_are_clamped(bad):
    pose = pose_of(MouthShape(bad, bad, bad, bad, bad))
    assert all(-1 <= v <= 1 for v in pose) and pose.aperture >= 0


def test_speech_within_the_limits_is_followed_exactly():
    follower = MouthFollower()
    for index, aperture in enumerate((0.2, 0.5, 0.9, 0.5, 0.1, 0.4)):
        shape = MouthShape(aperture, width=0.3 * (index % 2))
        assert follower.follow(index, shape) == pose_of(shape)


def test_a_jump_is_slowed_and_then_arrives():
    follower = MouthFollower()
    apertures = [follower.follow(i, MouthShape(1.0)).aperture for i in range(4)]
    assert apertures == pytest.approx([MAX_OPENING, 2 * MAX_OPENING, 1, 1])
    closing = [follower.follow(i, MouthShape(0.05)).aperture for i in (4, 5, 6)]
    assert closing == pytest.approx([1 - MAX_CLOSING, 0.05, 0.05])


@given(shapes, shapes)
def test_every_press_is_shut_in_its_own_frame(before, other):
    follower = MouthFollower()
    for index in range(3):
        follower.follow(index, before)
    pose = follower.follow(3, MouthShape(other.aperture, other.width, press=1))
    assert (pose.aperture, pose.press, pose.bite, pose.tongue) == (0, 1, 0, 0)


@given(shapes)
def test_silence_brings_the_mouth_to_rest_steadily(shape):
    follower = MouthFollower()
    for index in range(4):
        follower.follow(index, shape)
    poses = [follower.pose, *(follower.follow(4 + k, None) for k in range(REST_FRAMES + 1))]
    for a, b in itertools.pairwise(poses):
        assert all(abs(y) <= abs(x) + 1e-12 for x, y in zip(a, b, strict=True))
        assert a.aperture - b.aperture <= 0.4
    assert poses[REST_FRAMES] == poses[REST_FRAMES + 1] == pytest.approx(REST_POSE)


def test_speech_goes_on_from_where_the_mouth_is():
    follower = MouthFollower()
    for index in range(3):
        follower.follow(index, MouthShape(0.9))
    middle = follower.follow(3, None).aperture
    assert 0 < middle < 0.9
    assert follower.follow(4, MouthShape(0.9)).aperture == pytest.approx(0.9)
    # A second silence starts over from here.
    again = [follower.follow(5 + k, None).aperture for k in range(REST_FRAMES)]
    assert again[0] == pytest.approx(middle) and again[-1] == 0


def test_skipped_slots_give_the_mouth_more_time():
    follower = MouthFollower()
    follower.follow(0, MouthShape(0.4))
    assert follower.follow(3, MouthShape(1.0)).aperture == 1.0
    assert follower.follow(3 + REST_FRAMES, None) == pytest.approx(REST_POSE)
