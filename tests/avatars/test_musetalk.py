"""The part of an avatar that MuseTalk uses."""

import pytest

from avatars.musetalk import mirrored


@pytest.mark.parametrize(
    ("frames", "shown"), [(1, [0, 0, 0]), (2, [0, 1, 0, 1, 0]), (4, [0, 1, 2, 3, 2, 1, 0, 1, 2])]
)
def test_the_loop_turns_round_without_showing_an_end_twice(frames: int, shown: list[int]) -> None:
    assert [mirrored(position, frames) for position in range(len(shown))] == shown
    assert mirrored(10_000 * (2 * frames - 2) + 1, frames) == mirrored(1, frames)
