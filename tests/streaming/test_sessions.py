import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from streaming.errors import CapacityReached, LipstreamError, SessionNotFound, VoiceNotFound
from streaming.session import Session
from streaming.sessions import SessionLimits, SessionManager
from tests.support.clock import ManualClock, settle
from tests.support.engines import DirectPerformer, FlatCompositors
from tests.support.sinks import RecordingSink


@asynccontextmanager
async def managing(clock: ManualClock | None = None, **limits):
    clock = clock or ManualClock()
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


async def test_how_many_fit_may_turn_out_later():
    async with managing(max_sessions=4) as (manager, _):
        await manager.create("mira")
        await manager.create("mira")
        manager.max_sessions = 1
        with pytest.raises(CapacityReached, match="1 sessions"):
            await manager.create("mira")
        assert len(manager.all()) == 2, "those that are open stay"


async def test_a_card_that_is_too_slow_says_what_helps():
    async with managing() as (manager, _):
        manager.max_sessions = 0
        with pytest.raises(CapacityReached, match=r"no live session.*/v1/renders.*LIPSTREAM_FACE=atlas"):
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


async def test_the_reaper_survives_a_session_that_somebody_else_closes_meanwhile(monkeypatch):
    async with managing(idle_seconds=10) as (manager, clock):
        first, second = await manager.create("mira"), await manager.create("mira")
        close = Session.close

        async def slowly(session: Session) -> None:
            if session is first:
                await manager.close(second.id)
            await close(session)

        monkeypatch.setattr(Session, "close", slowly)
        await clock.advance(12)
        assert not manager.all()
        third = await manager.create("mira")
        await clock.advance(12)
        assert third.state == "closed"


async def test_the_reaper_survives_a_session_that_does_not_close(monkeypatch):
    async with managing(idle_seconds=10) as (manager, clock):
        await manager.create("mira")
        with monkeypatch.context() as patched:
            patched.setattr(Session, "close", lambda _: 1 / 0)
            await clock.advance(12)
        other = await manager.create("mira")
        await clock.advance(12)
        assert other.state == "closed"


async def test_an_utterance_left_open_keeps_no_session_that_nobody_watches():
    async with managing(idle_seconds=10) as (manager, clock):
        abandoned, fed = await manager.create("mira"), await manager.create("mira")
        await abandoned.say("one", final=False)
        name = await fed.say("one", final=False)
        await clock.advance(8)
        await fed.append(name, "two")
        await clock.advance(5)
        assert manager.all() == [fed] and abandoned.state == "closed"
        await clock.advance(10)
        assert fed.state == "closed"


async def test_what_is_said_to_nobody_is_said_to_its_end():
    async with managing(idle_seconds=5) as (manager, clock):
        session = await manager.create("mira")
        await session.say("word " * 100)
        await clock.advance(19)
        assert session.state == "speaking"
        await clock.advance(10)
        assert session.state == "closed"


async def test_a_wall_clock_that_is_set_ends_no_session():
    class SetClock(ManualClock):
        offset = 0.0

        def wall(self) -> float:
            return super().wall() + self.offset

    clock = SetClock()
    async with managing(clock, max_seconds=30) as (manager, _):
        session = await manager.create("mira")
        session.attach(RecordingSink(None))
        clock.offset = 86_400.0
        await clock.advance(5)
        assert session.state == "idle"


async def test_a_session_that_breaks_gives_its_place_back(monkeypatch):
    async with managing(max_sessions=1) as (manager, clock):
        session = await manager.create("mira")
        sink = RecordingSink()
        session.attach(sink)
        monkeypatch.setattr(session, "take", lambda: 1 / 0)
        await clock.advance(0.1)
        assert [event.type for event in sink.events[-2:]] == ["error", "session.state"]
        assert sink.log[-1] is None and session.state == "closed"
        await clock.advance(1.5)
        await manager.create("mira")


async def test_a_session_that_opens_while_all_are_closed_does_not_stay():
    opening, go = threading.Event(), threading.Event()

    class SlowCompositors(FlatCompositors):
        def open(self, avatar: str, seed: int = 0, background: str | None = None):
            opening.set()
            go.wait(10)
            return super().open(avatar, seed)

    before = asyncio.all_tasks()
    manager = SessionManager(DirectPerformer(), SlowCompositors(), clock=ManualClock())
    creating = asyncio.create_task(manager.create("mira"))
    await asyncio.to_thread(opening.wait, 10)
    await manager.close_all()
    go.set()
    with pytest.raises(CapacityReached, match="stopping"):
        await creating
    with pytest.raises(CapacityReached, match="stopping"):
        await manager.create("mira")
    await settle()
    assert not manager.all() and asyncio.all_tasks() == before


async def test_creating_cancelled_midway_leaves_nothing_and_gives_the_place_back():
    opening, go = threading.Event(), threading.Event()

    class SlowCompositors(FlatCompositors):
        def open(self, avatar: str, seed: int = 0, background: str | None = None):
            opening.set()
            go.wait(10)
            return super().open(avatar, seed)

    before = asyncio.all_tasks()
    manager = SessionManager(
        DirectPerformer(), SlowCompositors(), limits=SessionLimits(max_sessions=1), clock=ManualClock()
    )
    creating = asyncio.create_task(manager.create("mira"))
    await asyncio.to_thread(opening.wait, 10)
    creating.cancel()
    await asyncio.gather(creating, return_exceptions=True)
    go.set()
    assert not manager.all() and asyncio.all_tasks() == before
    await manager.create("mira")
    await manager.close_all()
