import pytest

from avatars.musetalk import mirrored
from streaming.compositor.loop_follower import CROSSING_FRAMES, MOST_WAYS, LoopFollower


def _frames(layers):
    return [layer.frame for layer in layers]


def _alone(follower, index, wanted=None):
    (layer,) = follower.follow(index, wanted)
    assert layer.weight == 1
    return layer.frame


def test_without_speech_the_slot_decides():
    follower = LoopFollower(5)
    assert [_alone(follower, n) for n in range(12)] == [mirrored(n, 5) for n in range(12)]
    later = LoopFollower(5)
    assert _alone(later, 7) == mirrored(7, 5)
    assert later.position == 7
    assert _alone(later, 10) == mirrored(10, 5)


def test_speech_that_follows_the_loop_is_shown_as_it_is():
    follower = LoopFollower(6)
    for n in range(4):
        follower.follow(n, None)
    assert [_alone(follower, n, mirrored(n, 6)) for n in range(4, 30)] == [
        mirrored(n, 6) for n in range(4, 30)
    ]
    assert follower.position == 29
    assert _alone(follower, 30) == mirrored(30, 6)


@pytest.mark.parametrize(("at", "to"), [(20, 60), (60, 20), (90, 110)])
def test_a_jump_is_crossed_over_some_frames_on_both_ways(at, to):
    follower = LoopFollower(100)
    follower.follow(at, None)
    layers = [follower.follow(at + n, mirrored(to + n, 100)) for n in range(1, CROSSING_FRAMES + 3)]
    for n, found in enumerate(layers, 1):
        assert found[-1].frame == mirrored(to + n, 100)
        if n < CROSSING_FRAMES:
            below, above = found
            assert below == (mirrored(at + n, 100), 1.0)
            assert above.weight == pytest.approx(n / CROSSING_FRAMES)
        else:
            assert len(found) == 1
    after = at + CROSSING_FRAMES + 3
    assert _alone(follower, after) == mirrored(to + CROSSING_FRAMES + 3, 100)


def test_idle_goes_on_in_the_direction_that_speech_had():
    # Frame 40 lies on the way up and on the way down; the frames after it tell which.
    follower = LoopFollower(100)
    follower.follow(10, None)
    index = 11
    for frame in range(40, 20, -1):
        follower.follow(index, frame)
        index += 1
    assert [_alone(follower, index + n) for n in range(3)] == [20, 19, 18]


@pytest.mark.parametrize("step", [1, 2])
def test_frames_that_are_shown_twice_are_no_jumps(step):
    follower = LoopFollower(50)
    follower.follow(0, None)
    wanted = [mirrored(1 + n // 2 * step, 50) for n in range(120)]
    assert [_alone(follower, n, frame) for n, frame in enumerate(wanted, 1)] == wanted


def test_slots_that_were_skipped_let_the_loop_go_on():
    follower = LoopFollower(50)
    follower.follow(0, None)
    assert _alone(follower, 9) == 9
    # Speech waits for nobody to be skipped: its next frame is the next one.
    assert _alone(follower, 12, 10) == 10


def test_who_jumps_while_crossing_leaves_from_where_it_is():
    follower = LoopFollower(100)
    follower.follow(0, None)
    follower.follow(1, 50)
    follower.follow(2, 51)
    layers = follower.follow(3, 90)
    assert _frames(layers) == [3, 52, 90]
    assert [layer.weight for layer in layers] == pytest.approx([1, 3 / CROSSING_FRAMES, 1 / CROSSING_FRAMES])
    for n in range(4, 40):
        layers = follower.follow(n, 50 * (n % 2))
        assert len(layers) <= MOST_WAYS and layers[0].weight == 1


def test_the_first_slot_may_be_anywhere():
    follower = LoopFollower(100)
    assert _alone(follower, 500, 33) == 33
    assert _alone(follower, 501) in (32, 34)


@pytest.mark.parametrize("frames", [1, 2])
def test_the_shortest_loops(frames):
    follower = LoopFollower(frames)
    assert [_alone(follower, n) for n in range(5)] == [n % frames for n in range(5)]
    assert _frames(follower.follow(5, 0))[-1] == 0
