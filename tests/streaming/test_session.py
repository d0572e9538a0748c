import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import numpy as np
import pytest

from streaming.errors import CapacityReached, LipstreamError, ScriptRejected, SessionClosed, UnknownUtterance
from streaming.observer import NullObserver
from streaming.protocol import (
    Ack,
    Error,
    NoticeEvent,
    Pong,
    SessionState,
    UtteranceAppended,
    UtteranceEnded,
    UtteranceQueued,
    UtteranceStarted,
    WordSpoken,
)
from streaming.queue import MAX_WAITING_UTTERANCES
from streaming.session import MAX_SINKS, Session, SessionOptions
from streaming.slots import MouthShape, Notice, Slot
from streaming.timing import SLOT_SAMPLES, SLOT_SECONDS
from tests.support.clock import ManualClock, settle
from tests.support.engines import (
    WORD_SECONDS,
    DirectPerformer,
    FlatCompositors,
    RampSpeech,
    slots_for,
)
from tests.support.executor import InlineExecutor
from tests.support.sinks import RecordingSink


class Notes(NullObserver):
    def __init__(self) -> None:
        self.started: list[float] = []
        self.ended: list[str] = []
        self.fallbacks: list[str] = []
        self.troubles: list[tuple[str, str]] = []
        self.faces_late = 0

    def engine_fallback(self, engine: str) -> None:
        self.fallbacks.append(engine)

    def engine_trouble(self, code: str, engine: str) -> None:
        self.troubles.append((code, engine))

    def face_late(self) -> None:
        self.faces_late += 1

    def utterance_started(self, latency_seconds: float, engine: str) -> None:
        self.started.append(latency_seconds)

    def utterance_ended(self, reason: str) -> None:
        self.ended.append(reason)


@asynccontextmanager
async def open_session(performer: DirectPerformer | None = None, observer: NullObserver | None = None):
    clock = ManualClock()
    session = await Session.open(
        "mira",
        performer=performer or DirectPerformer(),
        compositors=FlatCompositors(),
        clock=clock,
        executor=InlineExecutor(),
        observer=observer or NullObserver(),
    )
    try:
        yield session, clock
    finally:
        await session.close()


def ended(sink: RecordingSink) -> list[UtteranceEnded]:
    return [event for event in sink.events if isinstance(event, UtteranceEnded)]


async def test_an_utterance_is_told_from_start_to_end_in_order():
    sink, notes = RecordingSink(), Notes()
    async with open_session(observer=notes) as (session, clock):
        session.attach(sink)
        await clock.advance(1)
        name = await session.say("one two three")
        await clock.advance(2)
    kinds = [event.type for event in sink.events]
    assert kinds == [
        "session.state", "utterance.queued", "session.state", "utterance.started",
        "word", "word", "word", "utterance.ended", "session.state", "session.state",
    ]  # fmt: skip
    states = [event.state for event in sink.events if isinstance(event, SessionState)]
    assert states == ["idle", "speaking", "idle", "closed"]
    queued = next(event for event in sink.events if isinstance(event, UtteranceQueued))
    assert (queued.utterance, queued.text) == (name, "one two three")
    assert sum(slot.speaking for slot in sink.slots) == slots_for(3)
    (end,) = ended(sink)
    assert end.reason == "completed"
    assert end.spoken_seconds == pytest.approx(slots_for(3) * SLOT_SECONDS)
    assert notes.ended == ["completed"] and 0 < notes.started[0] <= 0.06 + 1e-9


async def test_words_are_told_with_the_slot_that_carries_them():
    sink = RecordingSink()
    async with open_session() as (session, clock):
        session.attach(sink)
        await session.say("one two three")
        await clock.advance(2)
    start = next(event for event in sink.events if isinstance(event, UtteranceStarted))
    words = [event for event in sink.events if isinstance(event, WordSpoken)]
    assert [(w.text, w.begin, w.stop) for w in words] == [("one", 0, 3), ("two", 4, 7), ("three", 8, 13)]
    assert [w.slot - start.slot for w in words] == [int(i * WORD_SECONDS / SLOT_SECONDS) for i in range(3)]
    assert start.engine == "ramp"


async def test_utterances_follow_one_another_without_mixing():
    sink = RecordingSink()
    async with open_session() as (session, clock):
        session.attach(sink)
        await session.say("a b", utterance="first")
        await session.say("c", utterance="second")
        await clock.advance(2)
    order = [(event.type, getattr(event, "utterance", None)) for event in sink.events]
    assert order.index(("utterance.ended", "first")) < order.index(("utterance.started", "second"))
    speaking = [slot.speaking for slot in sink.slots]
    assert sum(speaking) == slots_for(2) + slots_for(1)
    first = speaking.index(True)
    assert all(speaking[first : first + sum(speaking)]), "no idle slot between two waiting utterances"


async def test_interrupt_leaves_nothing_stale():
    sink, performer = RecordingSink(), DirectPerformer()
    async with open_session(performer) as (session, clock):
        session.attach(sink)
        await session.say("a b c d e f g h", utterance="long")
        await session.say("waiting", utterance="next")
        await clock.advance(0.5)
        before = sum(slot.speaking for slot in sink.slots)
        mark = len(sink.log)
        assert await session.interrupt() == 1
        await clock.advance(1)
        after = sink.log[mark:]
    assert before > 0
    assert not any(getattr(entry, "speaking", False) for entry in after)
    assert not any(isinstance(entry, WordSpoken | UtteranceStarted) for entry in after)
    assert [e.utterance for e in ended(sink)] == ["long", "next"]
    assert {e.reason for e in ended(sink)} == {"interrupted"}
    assert ended(sink)[0].spoken_seconds == pytest.approx(before * SLOT_SECONDS)
    assert performer.cancelled[0] == (session.id, 1)


async def test_interrupt_between_making_and_sending_a_slot():
    sink = RecordingSink()
    async with open_session() as (session, clock):
        session.attach(sink)
        await session.say("a b c")
        await clock.advance(3 * SLOT_SECONDS - 0.001)
        mark = len(sink.slots)
        await session.interrupt()
        await clock.advance(3 * SLOT_SECONDS)
        assert not any(slot.speaking for slot in sink.slots[mark:])
        assert not sink.slots[mark].video
        assert sink.slots[mark + 1].video["h264"].keyframe


async def test_say_with_interrupt_replaces_what_was_being_said():
    sink = RecordingSink()
    async with open_session() as (session, clock):
        session.attach(sink)
        await session.say("a b c d e", utterance="old")
        await clock.advance(0.2)
        await session.say("new", utterance="new", interrupt=True)
        await clock.advance(1)
    assert [(e.utterance, e.reason) for e in ended(sink)] == [("old", "interrupted"), ("new", "completed")]


async def test_text_arrives_token_by_token():
    sink = RecordingSink()
    async with open_session() as (session, clock):
        session.attach(sink)
        name = await session.say("one ", final=False)
        await clock.advance(0.6)
        assert not ended(sink)
        await session.append(name, "two ")
        await session.append(name, "three", final=True)
        await clock.advance(1)
    words = [event for event in sink.events if isinstance(event, WordSpoken)]
    assert [word.text for word in words] == ["one", "two", "three"]
    assert [(e.text, e.final) for e in sink.events if isinstance(e, UtteranceAppended)] == [
        ("two ", False),
        ("three", True),
    ]
    assert sum(slot.speaking for slot in sink.slots) >= slots_for(3)
    assert ended(sink)[0].reason == "completed"


async def test_a_failing_engine_ends_its_utterance_and_spares_the_next():
    sink = RecordingSink()
    async with open_session() as (session, clock):
        session.attach(sink)
        await session.say("fine boom", utterance="bad")
        await session.say("good", utterance="good")
        await session.say("hola", utterance="foreign", language="es")
        await clock.advance(3)
    assert [(e.utterance, e.reason, e.code) for e in ended(sink)] == [
        ("bad", "failed", "internal_error"),
        ("good", "completed", None),
        ("foreign", "failed", "internal_error"),
    ]
    assert "es is not spoken" in (ended(sink)[2].message or "")


async def test_change_of_avatar_is_live_and_starts_with_a_keyframe():
    sink = RecordingSink()
    async with open_session() as (session, clock):
        session.attach(sink)
        await session.say("a b c d")
        await clock.advance(0.3)
        mark = len(sink.slots)
        await session.change_avatar("wide")
        await clock.advance(0.3)
        assert (session.avatar, session.width) == ("wide", 96)
        assert sink.slots[mark + 1].video["h264"].keyframe or sink.slots[mark].video["h264"].keyframe
        assert all(slot.speaking for slot in sink.slots[mark : mark + 5]), "speech goes on"
        with pytest.raises(LipstreamError):
            await session.change_avatar("missing")
        assert session.avatar == "wide"


async def test_commands_as_json():
    async with open_session() as (session, _):
        line = session.commands()
        ack = await line.handle('{"type":"say","text":"hi","id":"7"}')
        assert ack == Ack(id="7", utterance="u1", generation=0)
        assert await line.handle('{"type":"ping","time":2.5}') == Pong(time=2.5)
        assert await line.handle('{"type":"interrupt"}') == Ack(generation=1)
        assert isinstance(await line.handle('{"type":"avatar","avatar":"wide"}'), Ack)
        assert isinstance(await line.handle('{"type":"keyframe"}'), Ack)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "[]",
        "null",
        '{"type":"fly"}',
        '{"type":"say"}',
        '{"type":"say","text":1}',
        '{"type":"say","text":"x","speed":9}',
        '{"type":"avatar","avatar":"../etc"}',
        '{"type":"ping","extra":1}',
    ],
)
async def test_bad_commands_are_answered_not_raised(raw):
    async with open_session() as (session, _):
        answer = await session.commands().handle(raw)
        assert isinstance(answer, Error) and answer.code == "bad_command" and answer.message


async def test_refusals_name_the_command():
    async with open_session() as (session, _):
        answer = await session.commands().handle('{"type":"append","utterance":"ghost","text":"x","id":"9"}')
        assert isinstance(answer, Error) and (answer.code, answer.id) == ("unknown_utterance", "9")


async def test_bounds():
    performer = DirectPerformer(RampSpeech())
    performer.speech.gate.clear()
    async with open_session(performer) as (session, _):
        for index in range(MAX_WAITING_UTTERANCES):
            await session.say("x", utterance=f"w{index}")
        with pytest.raises(UnknownUtterance):
            await session.say("x", utterance="w3")
        with pytest.raises(CapacityReached):
            await session.say("x")
        await session.interrupt()
        with pytest.raises(ScriptRejected):
            await session.say("x" * 10_001)
        for _ in range(MAX_SINKS):
            session.attach(RecordingSink(None))
        with pytest.raises(CapacityReached):
            session.attach(RecordingSink(None))


async def test_close_tells_viewers_and_leaves_no_tasks():
    sink = RecordingSink()
    before = asyncio.all_tasks()
    async with open_session() as (session, clock):
        session.attach(sink)
        await session.say("a b c d e f", final=False)
        await clock.advance(0.2)
        await session.close()
        await session.close()
        assert sink.log[-1] is None
        assert ended(sink)[0].reason == "interrupted"
        with pytest.raises(SessionClosed):
            await session.say("more")
        with pytest.raises(SessionClosed):
            session.attach(RecordingSink())
    await settle()
    assert asyncio.all_tasks() == before


async def test_sessions_have_secrets_of_their_own():
    async with open_session() as (one, _), open_session() as (two, _):
        assert one.id != two.id and one.token != two.token and len(one.token) >= 32


class RemotePerformer(DirectPerformer):
    """Takes its time to cancel, as one on another machine does."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = asyncio.Event()

    async def cancel(self, session: str, generation: int) -> None:
        await self.arrived.wait()
        await super().cancel(session, generation)


async def test_an_interrupt_is_over_for_viewers_before_a_far_performer_knows():
    sink, performer = RecordingSink(), RemotePerformer()
    async with open_session(performer) as (session, clock):
        session.attach(sink)
        await session.say("a b c d e f", utterance="old")
        await clock.advance(0.2)
        interrupting = asyncio.create_task(session.interrupt())
        await settle()
        saying = asyncio.create_task(session.say("new", utterance="new", interrupt=True))
        await clock.advance(0.1)
        assert session.state == "speaking"
        assert [(e.utterance, e.reason) for e in ended(sink)] == [("old", "interrupted")]
        performer.arrived.set()
        assert (await interrupting, await saying) == (1, "new")
        assert session.state == "speaking", "an interrupt that is late in telling must not say idle now"
        await clock.advance(1)
    assert ended(sink)[-1].reason == "completed" and sorted(performer.cancelled)[:2] == [
        (session.id, 1), (session.id, 2)
    ]  # fmt: skip


async def test_a_close_that_is_cancelled_closes_all_the_same():
    sink, performer = RecordingSink(), RemotePerformer()
    async with open_session(performer) as (session, clock):
        session.attach(sink)
        await session.say("a b c")
        await clock.advance(0.1)
        closing = asyncio.create_task(session.close())
        await settle()
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        assert sink.log[-1] is None and session.viewers == 0
        again = asyncio.create_task(session.close())
        await settle()
        assert not again.done(), "who closes a second time waits for the first"
        performer.arrived.set()
        await again
        with pytest.raises(ValueError, match="closed"):
            session._stage._opus.encode(np.zeros(SLOT_SAMPLES, np.float32))


async def test_changes_of_avatar_come_in_the_order_of_asking():
    go = threading.Event()

    class SlowCompositors(FlatCompositors):
        def open(self, avatar: str, seed: int = 0, background: str | None = None):
            if avatar == "slow":
                go.wait(10)
            return super().open(avatar, seed)

    with ThreadPoolExecutor(4) as executor:
        session = await Session.open(
            "mira",
            performer=DirectPerformer(),
            compositors=SlowCompositors(),
            clock=ManualClock(),
            executor=executor,
            observer=NullObserver(),
        )
        first = asyncio.create_task(session.change_avatar("slow"))
        await settle()
        last = asyncio.create_task(session.change_avatar("wide"))
        done, _ = await asyncio.wait((first, last), timeout=0.05)
        go.set()
        await asyncio.gather(first, last)
        assert session.avatar == "wide" and not done
        go.clear()
        late = asyncio.create_task(session.change_avatar("slow"))
        await settle()
        closing = asyncio.create_task(session.close())
        await settle()
        go.set()
        with pytest.raises(SessionClosed):
            await late
        await closing
        assert session.avatar == "wide"


async def test_a_broken_command_is_answered_not_raised(monkeypatch):
    async with open_session() as (session, _):
        monkeypatch.setattr(FlatCompositors, "open", lambda *_: 1 / 0)
        answer = await session.commands().handle('{"type":"avatar","avatar":"wide","id":"a"}')
        assert isinstance(answer, Error) and (answer.code, answer.id) == ("internal_error", "a")


@pytest.mark.parametrize("raw", ['{"type":"say","id":"7"}', '{"type":"say","text":"x","speed":9,"id":"7"}'])
async def test_commands_that_cannot_be_read_are_refused_by_name(raw):
    async with open_session() as (session, _):
        answer = await session.commands().handle(raw)
        assert isinstance(answer, Error) and (answer.code, answer.id) == ("bad_command", "7")


async def test_a_chosen_name_is_never_a_taken_one():
    async with open_session() as (session, _):
        await session.say("x", utterance="u2", final=False)
        assert await session.say("y") == "u3"
        with pytest.raises(UnknownUtterance):
            await session.say("z", utterance="u2")


async def test_an_id_can_be_used_again_once_its_utterance_has_ended():
    sink = RecordingSink()
    async with open_session() as (session, clock):
        session.attach(sink)
        for _ in range(2):
            await session.say("x", utterance="same")
            await clock.advance(1)
    assert [(e.utterance, e.reason) for e in ended(sink)] == [("same", "completed")] * 2


async def test_avatars_are_not_loaded_on_the_threads_that_make_frames(monkeypatch):
    threads: list[threading.Thread] = []
    opened = FlatCompositors.open

    def noting(self: FlatCompositors, avatar: str, seed: int = 0, background: str | None = None):
        threads.append(threading.current_thread())
        return opened(self, avatar, seed)

    monkeypatch.setattr(FlatCompositors, "open", noting)
    async with open_session() as (session, _):
        await session.change_avatar("wide")
    assert len(threads) == 2, "and the executor of this session works on the main thread"
    assert threading.main_thread() not in threads


def noise(slots: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(slots * SLOT_SAMPLES)).astype(np.float32)


def played(session: Session) -> list[np.ndarray]:
    """What is sent from now on of an utterance, slot by slot."""
    slots: list[np.ndarray] = []
    sent = session.sent

    def record(index, slot):
        if slot is not None:
            slots.append(slot.samples)
        sent(index, slot)

    session.sent = record
    return slots


async def test_a_recording_is_said_as_it_came_and_told_from_start_to_end():
    sink, sound = RecordingSink(), noise(10.5)
    async with open_session() as (session, clock):
        session.attach(sink)
        slots = played(session)
        name = await session.say_audio()
        await session.append_audio(name, sound[:3000])
        await session.append_audio(name, sound[3000:], final=True)
        await clock.advance(2)
    out = np.concatenate(slots)
    assert np.array_equal(out[: sound.size], sound) and not out[sound.size :].any() and len(slots) == 11
    kinds = [(event.type, getattr(event, "kind", None)) for event in sink.events]
    assert kinds == [
        ("session.state", None), ("utterance.queued", "audio"), ("utterance.appended", "audio"),
        ("session.state", None), ("utterance.started", None), ("utterance.ended", None),
        ("session.state", None), ("session.state", None),
    ]  # fmt: skip
    (end,) = ended(sink)
    assert (end.reason, end.spoken_seconds) == ("completed", pytest.approx(11 * SLOT_SECONDS))
    assert next(event.engine for event in sink.events if isinstance(event, UtteranceStarted)) == "audio"


async def test_text_and_sound_do_not_mix_in_one_utterance():
    async with open_session() as (session, _):
        text, sound = await session.say("a", final=False), await session.say_audio()
        with pytest.raises(UnknownUtterance, match="is sound"):
            await session.append(sound, "b")
        with pytest.raises(UnknownUtterance, match="is text"):
            await session.append_audio(text, noise(1))
        with pytest.raises(UnknownUtterance, match="no open sound"):
            await session.append_audio("ghost", noise(1))
        with pytest.raises(UnknownUtterance, match="exists already"):
            await session.say_audio(utterance=text)
        with pytest.raises(UnknownUtterance, match="exists already"):
            await session.say("c", utterance=sound)
        with pytest.raises(ScriptRejected, match="mono"):
            await session.append_audio(sound, noise(2).reshape(2, -1))


class TroubledPerformer(DirectPerformer):
    """Its face is drawn by another engine, then with less memory, and late for one slot of five."""

    async def perform(self, request, script):
        yield Notice(request.key, "engine_fallback", "drawn", "another one")
        yield Notice(request.key, "memory_low", "drawn", "smaller batches")
        for index in range(5):
            yield Slot(request.key, index, bytes(4 * SLOT_SAMPLES), MouthShape(), late=index == 3)


async def test_what_becomes_of_faces_is_told_and_counted():
    sink, notes = RecordingSink(), Notes()
    async with open_session(TroubledPerformer(), notes) as (session, clock):
        session.attach(sink)
        await session.say("one two")
        await clock.advance(1)
    told = [(event.code, event.message) for event in sink.events if isinstance(event, NoticeEvent)]
    assert told == [("engine_fallback", "another one"), ("memory_low", "smaller batches")]
    assert (notes.fallbacks, notes.troubles) == (["drawn"], [("memory_low", "drawn")])
    assert notes.faces_late == 1 and notes.ended == ["completed"]


async def test_the_colour_of_a_session_stays_when_its_avatar_changes():
    compositors = FlatCompositors()
    with ThreadPoolExecutor(2) as executor:
        session = await Session.open(
            "clear",
            performer=DirectPerformer(),
            compositors=compositors,
            clock=ManualClock(),
            executor=executor,
            observer=NullObserver(),
            options=SessionOptions(background="lime"),
        )
        for avatar in ("wide", "clear"):
            await session.change_avatar(avatar)
        assert compositors.shown == [("clear", "lime"), ("wide", None), ("clear", "lime")]
        await session.close()
