"""Which frame of a loop is shown where."""

import pytest

from avatars.loop import loop_frame, loop_period


@pytest.mark.parametrize(
    ("frames", "shown"), [(1, [0, 0, 0]), (2, [0, 1, 0, 1, 0]), (4, [0, 1, 2, 3, 2, 1, 0, 1, 2])]
)
def test_a_mirrored_loop_turns_round_without_showing_an_end_twice(frames: int, shown: list[int]) -> None:
    assert [loop_frame(position, frames, "mirrored") for position in range(len(shown))] == shown
    far = 10_000 * loop_period(frames, "mirrored") + 1
    assert loop_frame(far, frames, "mirrored") == loop_frame(1, frames, "mirrored")


@pytest.mark.parametrize(("frames", "shown"), [(1, [0, 0, 0]), (2, [0, 1, 0, 1]), (3, [0, 1, 2, 0, 1, 2, 0])])
def test_a_forward_loop_begins_again(frames: int, shown: list[int]) -> None:
    assert [loop_frame(position, frames, "forward") for position in range(len(shown))] == shown
    assert loop_period(frames, "forward") == frames
