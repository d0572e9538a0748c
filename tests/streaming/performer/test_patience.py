"""How long a slot waits for its frame."""

import pytest

from streaming.performer.patience import AGAIN_SECONDS, FIRST_SECONDS, Patience
from streaming.playhead import Playhead
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(10.0)


def test_the_first_frame_gets_time_from_the_first_sound_on(clock: ManualClock) -> None:
    patience = Patience(Playhead(clock), clock)
    clock.jump(3.0)
    patience.sound(0)
    clock.jump(0.5)
    patience.sound(0)
    assert patience.until(0) == 13.0 + FIRST_SECONDS


def test_frames_are_wanted_when_their_slots_are(clock: ManualClock) -> None:
    playhead = Playhead(clock)
    patience = Patience(playhead, clock)
    patience.sound(0)
    playhead.sent(0)
    clock.jump(FIRST_SECONDS + 1)
    patience.sound(100)
    assert patience.until(100) == pytest.approx(14.0)


def test_speech_that_goes_on_after_a_gap_waits_a_little_for_its_face(clock: ManualClock) -> None:
    playhead = Playhead(clock)
    patience = Patience(playhead, clock)
    patience.sound(0)
    playhead.sent(0)
    clock.jump(5.0)
    patience.sound(10)
    assert patience.until(10) == pytest.approx(15.0 + AGAIN_SECONDS)
    clock.jump(0.1)
    patience.sound(10)
    assert patience.until(10) == pytest.approx(15.0 + AGAIN_SECONDS), "more sound is no new gap"


def test_a_file_has_all_the_time(clock: ManualClock) -> None:
    patience = Patience(Playhead(clock, "offline"), clock)
    patience.sound(0)
    assert patience.until(0) is None
