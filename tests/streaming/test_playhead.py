"""The deadlines of an utterance."""

import math

import pytest

from streaming.playhead import Playhead
from tests.support.clock import ManualClock


def test_before_the_first_slot_all_of_it_is_wanted_at_once_and_the_older_first() -> None:
    clock = ManualClock(10.0)
    older = Playhead(clock)
    clock.jump(0.5)
    younger = Playhead(clock)
    assert older.due(0.0) == 10.0
    assert older.due(0.0) < younger.due(0.0)


def test_the_first_slot_starts_the_play() -> None:
    clock = ManualClock(10.0)
    playhead = Playhead(clock)
    clock.jump(0.3)
    assert not playhead.started
    playhead.sent(0)
    assert playhead.started and playhead.due(1.0) == pytest.approx(11.3)


def test_slots_handed_on_early_change_nothing() -> None:
    clock = ManualClock(10.0)
    playhead = Playhead(clock)
    playhead.sent(0)
    clock.jump(0.01)
    playhead.sent(20)
    assert playhead.due(2.0) == 12.0


def test_a_late_slot_moves_all_after_it() -> None:
    clock = ManualClock(10.0)
    playhead = Playhead(clock)
    playhead.sent(0)
    clock.jump(1.0)
    playhead.sent(10)
    assert playhead.due(0.4) == pytest.approx(11.0)
    assert playhead.due(1.0) == pytest.approx(11.6)


def test_nobody_waits_for_a_file() -> None:
    playhead = Playhead(ManualClock(), "offline")
    playhead.sent(0)
    assert playhead.due(3.0) == math.inf
