from contextlib import asynccontextmanager

import pytest

from streaming.errors import CapacityReached, LipstreamError, SessionNotFound, VoiceNotFound
from streaming.sessions import SessionLimits, SessionManager
from tests.support.clock import ManualClock
from tests.support.engines import DirectPerformer, FlatCompositors
from tests.support.sinks import RecordingSink


@asynccontextmanager
async def managing(**limits):
    clock = ManualClock()
    manager = SessionManager(
        DirectPerformer(), FlatCompositors(), limits=SessionLimits(**limits), clock=clock
    )
    try:
        yield manager, clock
    finally:
        await manager.close_all()


async def test_sessions_are_found_listed_and_ended():
    async with managing() as (manager, _):
        one, two = await manager.create("mira"), await manager.create("theo", voice="ramp-voice")
        assert manager.get(one.id) is one
        assert manager.all() == [one, two]
        await manager.close(one.id)
        assert one.state == "closed"
        with pytest.raises(SessionNotFound):
            manager.get(one.id)


async def test_no_more_than_fit():
    async with managing(max_sessions=2) as (manager, _):
        first = await manager.create("mira")
        await manager.create("mira")
        with pytest.raises(CapacityReached, match="2 sessions"):
            await manager.create("mira")
        await manager.close(first.id)
        await manager.create("mira")


async def test_a_refused_session_takes_no_room():
    async with managing(max_sessions=1) as (manager, _):
        with pytest.raises(LipstreamError):
            await manager.create("missing")
        with pytest.raises(VoiceNotFound, match="ramp-voice"):
            await manager.create("mira", voice="nobody")
        await manager.create("mira")


async def test_unwatched_idle_sessions_end_watched_ones_stay():
    async with managing(idle_seconds=10) as (manager, clock):
        lonely, watched = await manager.create("mira"), await manager.create("mira")
        watched.attach(RecordingSink(None))
        await clock.advance(8)
        assert len(manager.all()) == 2
        await clock.advance(5)
        assert lonely.state == "closed"
        assert manager.all() == [watched]


async def test_every_session_ends_at_last():
    async with managing(max_seconds=30) as (manager, clock):
        session = await manager.create("mira")
        session.attach(RecordingSink(None))
        await clock.advance(32)
        assert session.state == "closed"


async def test_a_session_that_was_left_makes_room_but_no_other():
    async with managing(max_sessions=2) as (manager, clock):
        watched, left = await manager.create("mira"), await manager.create("mira")
        sink = RecordingSink(None)
        watched.attach(RecordingSink(None))
        left.attach(sink)
        await clock.advance(5)
        left.detach(sink)
        await clock.advance(1.5)
        with pytest.raises(CapacityReached):
            await manager.create("mira")
        await clock.advance(1)
        fresh = await manager.create("mira")
        assert manager.all() == [watched, fresh] and left.state == "closed"
        await clock.advance(10)
        with pytest.raises(CapacityReached):
            await manager.create("mira")
