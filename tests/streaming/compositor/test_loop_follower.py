import pytest

from avatars.loop import loop_frame
from streaming.compositor.loop_follower import CROSSING_FRAMES, MOST_WAYS, LoopFollower


def _frames(layers):
    return [layer.frame for layer in layers]


def _alone(follower, index, wanted=None):
    (layer,) = follower.follow(index, wanted)
    assert layer.weight == 1
    return layer.frame


def test_without_speech_the_slot_decides():
    follower = LoopFollower(5)
    assert [_alone(follower, n) for n in range(12)] == [loop_frame(n, 5, "mirrored") for n in range(12)]
    later = LoopFollower(5)
    assert _alone(later, 7) == loop_frame(7, 5, "mirrored")
    assert later.position == 7
    assert _alone(later, 10) == loop_frame(10, 5, "mirrored")


def test_speech_that_follows_the_loop_is_shown_as_it_is():
    follower = LoopFollower(6)
    for n in range(4):
        follower.follow(n, None)
    assert [_alone(follower, n, loop_frame(n, 6, "mirrored")) for n in range(4, 30)] == [
        loop_frame(n, 6, "mirrored") for n in range(4, 30)
    ]
    assert follower.position == 29
    assert _alone(follower, 30) == loop_frame(30, 6, "mirrored")


@pytest.mark.parametrize(("at", "to"), [(20, 60), (60, 20), (90, 110)])
def test_a_jump_is_crossed_over_some_frames_on_both_ways(at, to):
    follower = LoopFollower(100)
    follower.follow(at, None)
    layers = [
        follower.follow(at + n, loop_frame(to + n, 100, "mirrored")) for n in range(1, CROSSING_FRAMES + 3)
    ]
    for n, found in enumerate(layers, 1):
        assert found[-1].frame == loop_frame(to + n, 100, "mirrored")
        if n < CROSSING_FRAMES:
            below, above = found
            assert below == (loop_frame(at + n, 100, "mirrored"), 1.0)
            assert above.weight == pytest.approx(n / CROSSING_FRAMES)
        else:
            assert len(found) == 1
    after = at + CROSSING_FRAMES + 3
    assert _alone(follower, after) == loop_frame(to + CROSSING_FRAMES + 3, 100, "mirrored")


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
    wanted = [loop_frame(1 + n // 2 * step, 50, "mirrored") for n in range(120)]
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


def test_a_forward_loop_goes_on_from_its_beginning():
    follower = LoopFollower(5, "forward")
    assert [_alone(follower, n) for n in range(12)] == [n % 5 for n in range(12)]
    assert follower.position == 11


@pytest.mark.parametrize("step", [1, 2])
def test_speech_goes_over_the_seam_of_a_forward_loop_without_a_jump(step):
    follower = LoopFollower(40, "forward")
    follower.follow(0, None)
    wanted = [(1 + n // step * step) % 40 for n in range(100)]
    assert [_alone(follower, n, frame) for n, frame in enumerate(wanted, 1)] == wanted
    assert _alone(follower, 101) == (wanted[-1] + 1) % 40


def test_a_jump_in_a_forward_loop_is_crossed_and_goes_on_forwards():
    follower = LoopFollower(100, "forward")
    follower.follow(95, None)
    layers = [follower.follow(95 + n, (40 + n) % 100) for n in range(1, CROSSING_FRAMES + 1)]
    assert _frames(layers[0]) == [96, 41] and _frames(layers[-1]) == [40 + CROSSING_FRAMES]
    assert _frames(layers[4]) == [0, 45]
    assert _alone(follower, 95 + CROSSING_FRAMES + 1) == 40 + CROSSING_FRAMES + 1


def test_what_lies_just_beyond_the_seam_is_near():
    # Speech was drawn for two frames on from where it is: over the seam, that is no jump either.
    follower = LoopFollower(100, "forward")
    follower.follow(98, None)
    assert _alone(follower, 99, 0) == 0
    assert _alone(follower, 100, 1) == 1
    # And one that comes a frame late goes back over it.
    follower = LoopFollower(100, "forward")
    follower.follow(100, None)
    assert _alone(follower, 101, 0) == 0
