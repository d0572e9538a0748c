"""Which frames are drawn."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streaming.face.musetalk.activity import AFTER_SECONDS, AHEAD_SECONDS, Activity
from streaming.timing import SLOT_SECONDS, SPEECH_RATE


def sound(seconds: float, level: float, seed: int = 0) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * SPEECH_RATE))
    return (level * noise).astype(np.float32)


def spoken(pcm: NDArray[np.float32], pieces: int = 1) -> list[bool]:
    activity = Activity()
    for piece in np.array_split(pcm, pieces):
        activity.push(piece)
    return [activity.speaks(frame) for frame in range(-(-len(pcm) // 960))]


def test_speech_is_drawn_from_before_its_sound_until_after_it() -> None:
    drawn = spoken(np.concatenate((sound(1, 0), sound(1, 0.1), sound(1, 0))))
    first, last = drawn.index(True), len(drawn) - 1 - drawn[::-1].index(True)
    assert first == round((1 - AHEAD_SECONDS) / SLOT_SECONDS)
    assert last == round((2 + AFTER_SECONDS) / SLOT_SECONDS) - 1
    assert all(drawn[first : last + 1])


@pytest.mark.parametrize("level", [0.0, 1e-4, 0.001])
def test_silence_and_a_quiet_room_are_not_drawn(level: float) -> None:
    assert not any(spoken(sound(4, level)))


def test_a_short_gap_between_words_goes_on_being_drawn() -> None:
    drawn = spoken(np.concatenate((sound(0.5, 0.1), sound(0.2, 0), sound(0.5, 0.1))))
    assert all(drawn)


@pytest.mark.parametrize("pieces", [7, 97, 1000])
def test_pieces_make_no_difference(pieces: int) -> None:
    pcm = np.concatenate([sound(0.37, level, i) for i, level in enumerate((0, 0.1, 0.001, 0.2, 0, 0, 0.05))])
    assert spoken(pcm, pieces) == spoken(pcm)


def test_frames_that_are_skipped_do_not_disturb_those_after_them() -> None:
    pcm = np.concatenate((sound(1, 0), sound(1, 0.1), sound(1, 0)))
    activity, whole = Activity(), spoken(pcm)
    activity.push(pcm)
    assert [activity.speaks(frame) for frame in range(0, 75, 3)] == whole[::3]
