import pytest

from streaming.clock import SlotClock, SystemClock
from tests.support.clock import WALL_START, ManualClock


def test_deadlines_follow_from_the_index_alone():
    clock = SlotClock(ManualClock(100.0))
    assert clock.deadline(0) == 100.0
    assert clock.deadline(25) == pytest.approx(101.0)
    assert clock.deadline(90_000) == pytest.approx(100.0 + 3600.0)
    assert clock.wall_deadline(50) == pytest.approx(WALL_START + 2.0)


async def test_next_index_leaves_room_for_the_lead():
    time = ManualClock(100.0)
    clock = SlotClock(time)
    assert clock.next_index() == 0
    assert clock.next_index(lead=0.02) == 1
    await time.advance(0.04)
    assert clock.next_index() == 1
    await time.advance(0.001)
    assert clock.next_index() == 2


async def test_system_clock_does_not_return_early():
    clock = SystemClock()
    when = clock.now() + 0.01
    await clock.sleep_until(when)
    assert clock.now() >= when
    await clock.sleep_until(when - 5)
