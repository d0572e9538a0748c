import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest

from streaming.audio import live, stream, utterance
from streaming.audio.sounds import MAX_STREAMS
from streaming.audio.stream import GONE_SECONDS, LIVE_GONE_SECONDS, MUTED_SECONDS
from streaming.audio.waiting import MAX_WAITING_SECONDS, OWN_WAITING_SECONDS
from streaming.errors import CapacityReached, ScriptRejected, UnknownUtterance
from streaming.observer import NullObserver
from streaming.protocol import SayAudio, UtteranceAppended, UtteranceEnded, UtteranceQueued
from streaming.queue import MAX_WAITING_UTTERANCES
from streaming.session import Session
from streaming.slots import Slot
from streaming.timing import SLOT_SECONDS, SPEECH_RATE
from tests.support.clock import ManualClock, settle
from tests.support.engines import DirectPerformer, FlatCompositors
from tests.support.executor import InlineExecutor
from tests.support.sender import LOUD, QUIET, Sounding, in_pieces
from tests.support.sinks import RecordingSink

PIECE = 480


def scene(*parts: tuple[float, float]) -> np.ndarray:
    """Noise of these lengths in seconds and levels."""
    rng = np.random.default_rng(3)
    return np.concatenate(
        [rng.uniform(-level, level, round(seconds * SPEECH_RATE)) for seconds, level in parts]
    ).astype(np.float32)


class Frail(DirectPerformer):
    """Breaks in the middle of what it is told to."""

    breaks_at: int | None = None

    async def perform(self, request, script):
        async for item in super().perform(request, script):
            if isinstance(item, Slot) and item.index == self.breaks_at:
                self.breaks_at = None
                raise RuntimeError("it broke")
            yield item


@asynccontextmanager
async def sounding(performer: DirectPerformer | None = None):
    clock, sink = ManualClock(), RecordingSink(None)
    session = await Session.open(
        "mira",
        performer=performer or DirectPerformer(),
        compositors=FlatCompositors(),
        clock=clock,
        executor=InlineExecutor(),
        observer=NullObserver(),
    )
    try:
        session.attach(sink)
        await clock.advance(0.213)
        yield Sounding(session, clock), sink
    finally:
        await session.close()


def told(sink: RecordingSink) -> list[tuple[str, str]]:
    """What became of which utterance."""
    found = []
    for event in sink.events:
        match event:
            case UtteranceQueued(utterance=name):
                found.append((name, "queued"))
            case UtteranceAppended(utterance=name):
                found.append((name, "complete"))
            case UtteranceEnded(utterance=name, reason=reason):
                found.append((name, reason))
    return found


MIC = scene((1.0, QUIET), (1.0, LOUD), (0.3, QUIET), (0.5, LOUD), (2.0, QUIET), (0.8, LOUD), (1.5, QUIET))


async def test_an_open_microphone_is_one_utterance_after_another():
    arrivals = in_pieces(MIC.size, PIECE)
    async with sounding() as (line, sink):
        name = await line.session.say_audio(utterance="mic", live=True, end_after_silence=0.8)
        await line.send(name, MIC, arrivals)
        delays = line.delays(MIC, arrivals)
        found = line.sent.positions(MIC)
    assert told(sink) == [
        ("mic", "queued"), ("mic", "complete"), ("mic", "completed"),
        ("mic-2", "queued"), ("mic-2", "complete"), ("mic-2", "completed"),
    ]  # fmt: skip
    assert max(delays) <= 0.150 + 1e-6
    ends = [event for event in sink.events if isinstance(event, UtteranceEnded)]
    assert ends[0].spoken_seconds == pytest.approx(1.8 + 0.8, abs=0.15)
    assert ends[1].spoken_seconds == pytest.approx(0.8 + 0.8, abs=0.15)
    begins = [places for _, places, slot in found if slot.index <= 1]
    assert begins[0] == pytest.approx(1.0 * SPEECH_RATE, abs=0.12 * SPEECH_RATE), "leading quiet is no speech"


async def test_speech_that_begins_in_the_piece_in_which_the_last_ended_is_one_utterance():
    sound = scene((0.5, QUIET), (0.6, LOUD), (0.44, QUIET), (1.0, LOUD), (0.6, QUIET))
    async with sounding() as (line, sink):
        name = await line.session.say_audio(utterance="mic", live=True, end_after_silence=0.4)
        await line.session.append_audio(name, sound)
        await line.session.say("after", utterance="next")
        await line.clock.advance(6.0)
    assert [(name, what) for name, what in told(sink) if what != "complete"] == [
        ("mic", "queued"), ("mic-2", "queued"), ("next", "queued"),
        ("mic", "completed"), ("mic-2", "completed"), ("next", "completed"),
    ]  # fmt: skip


async def test_text_may_be_said_while_a_microphone_is_open_and_silent():
    async with sounding() as (line, sink):
        name = await line.session.say_audio(live=True, end_after_silence=1.0)
        await line.send(name, scene((1.0, QUIET)), in_pieces(SPEECH_RATE, PIECE), final=False)
        await line.session.say("one two", utterance="text")
        await line.clock.advance(1.0)
        assert told(sink) == [("text", "queued"), ("text", "completed")]
        with pytest.raises(UnknownUtterance, match="exists already"):
            await line.session.say("three", utterance=name)


async def test_of_a_microphone_that_waits_only_the_newest_is_said():
    async with sounding() as (line, sink):
        performer = line.session._performer
        performer.speech.gate.clear()  # type: ignore[attr-defined]
        await line.session.say("one two", utterance="text")
        name = await line.session.say_audio(utterance="mic", live=True, end_after_silence=0.4)
        phrase = scene((0.5, LOUD), (1.2, QUIET))
        for _ in range(3):
            await line.send(name, phrase, in_pieces(phrase.size, PIECE), rest=0.0, final=False)
        performer.speech.gate.set()  # type: ignore[attr-defined]
        await line.clock.advance(4.0)
    ends = [event for event in sink.events if isinstance(event, UtteranceEnded)]
    assert [(end.utterance, end.reason, end.code) for end in ends] == [
        ("mic", "failed", "sound_dropped"),
        ("mic-2", "failed", "sound_dropped"),
        ("text", "completed", None),
        ("mic-3", "completed", None),
    ]


async def test_a_recording_with_silence_ends_there_and_the_rest_is_dropped():
    sound = scene((0.4, QUIET), (0.6, LOUD), (1.5, QUIET), (0.6, LOUD))
    async with sounding() as (line, sink):
        name = await line.session.say_audio(end_after_silence=1.0)
        for _, first, stop in in_pieces(sound.size, 7000):
            await line.session.append_audio(name, sound[first:stop])
        await line.session.append_audio(name, sound[:0], final=True)
        await line.clock.advance(3.0)
    assert told(sink) == [(name, "queued"), (name, "complete"), (name, "completed")]
    places = [at for _, at, _ in line.sent.positions(sound)]
    assert 0.3 * SPEECH_RATE < places[0] and places[-1] < 2.2 * SPEECH_RATE


async def test_data_that_stops_is_silence_too():
    sound = scene((0.3, QUIET), (0.7, LOUD))
    async with sounding() as (line, sink):
        name = await line.session.say_audio(utterance="mic", live=True, end_after_silence=1.0)
        await line.send(name, sound, in_pieces(sound.size, PIECE), rest=0.9, final=False)
        assert told(sink) == [("mic", "queued")]
        await line.clock.advance(0.5)
        assert told(sink)[1:] == [("mic", "complete"), ("mic", "completed")]
        await line.send(name, sound, in_pieces(sound.size, PIECE), rest=2.0)
    assert told(sink)[3:] == [("mic-2", "queued"), ("mic-2", "complete"), ("mic-2", "completed")]


@pytest.mark.parametrize(("is_live", "seconds"), [(True, LIVE_GONE_SECONDS), (False, GONE_SECONDS)])
async def test_a_sender_that_vanishes_does_not_hold_up_the_session(is_live: bool, seconds: float):
    async with sounding() as (line, sink):
        name = await line.session.say_audio(live=is_live)
        await line.session.append_audio(name, scene((0.5, LOUD)))
        await line.session.say("after", utterance="next")
        await line.clock.advance(seconds - 0.5)
        assert told(sink) == [(name, "queued"), ("next", "queued")]
        await line.clock.advance(2.0)
        assert told(sink)[2:] == [(name, "complete"), (name, "completed"), ("next", "completed")]
        with pytest.raises(UnknownUtterance, match="no open sound"):
            await line.session.append_audio(name, scene((0.5, LOUD)))


async def test_an_interrupt_cuts_the_sound_and_ignores_the_rest_of_it():
    for is_live in (True, False):
        sound = scene((3.0, LOUD))
        async with sounding() as (line, sink):
            name = await line.session.say_audio(live=is_live)
            await line.send(name, sound, in_pieces(SPEECH_RATE, PIECE), rest=0.0, final=False)
            assert line.sent.slots
            mark = len(line.sent.slots)
            await line.session.interrupt()
            await line.send(name, sound, in_pieces(SPEECH_RATE, PIECE), rest=0.5)
            assert len(line.sent.slots) == mark and told(sink) == [(name, "queued"), (name, "interrupted")]
            await line.session.say("next", utterance="next")
            await line.clock.advance(1.0)
            assert told(sink)[2:] == [("next", "queued"), ("next", "completed")]


async def test_after_an_interrupt_the_id_is_free_and_what_was_cut_off_takes_no_place():
    second = scene((1.0, LOUD))
    async with sounding() as (line, sink):
        for number in range(MAX_STREAMS + 4):
            name = await line.session.say_audio(interrupt=True)
            assert name == f"u{number + 1}"
            await line.session.append_audio(name, second)
        for _ in range(3):
            await line.session.interrupt()
            await line.session.say_audio(utterance="mic", live=True)
        await line.send("mic", second, in_pieces(second.size, PIECE))
        assert told(sink)[-1] == ("mic", "completed")
        for number in range(MAX_STREAMS):
            await line.session.say_audio(utterance=f"open{number}", live=True, end_after_silence=1.0)
        with pytest.raises(CapacityReached, match="open already"):
            await line.session.say_audio()


async def test_after_an_interrupt_an_open_microphone_begins_with_the_next_speech():
    going_on, after = scene((0.8, LOUD)), scene((0.5, QUIET), (0.5, LOUD), (1.5, QUIET))
    async with sounding() as (line, sink):
        name = await line.session.say_audio(utterance="mic", live=True, end_after_silence=1.0)
        await line.send(name, going_on, in_pieces(going_on.size, PIECE), rest=0.0, final=False)
        await line.session.interrupt()
        mark = len(line.sent.slots)
        await line.send(name, going_on, in_pieces(going_on.size, PIECE), rest=0.0, final=False)
        assert len(line.sent.slots) == mark
        await line.send(name, after, in_pieces(after.size, PIECE))
    assert told(sink) == [
        ("mic", "queued"), ("mic", "interrupted"),
        ("mic-2", "queued"), ("mic-2", "complete"), ("mic-2", "completed"),
    ]  # fmt: skip


async def test_a_performer_that_breaks_fails_the_utterance_and_an_open_microphone_goes_on():
    performer = Frail()
    performer.breaks_at = 12
    sound = scene((0.3, QUIET), (2.5, LOUD), (1.5, QUIET))
    async with sounding(performer) as (line, sink):
        name = await line.session.say_audio(utterance="mic", live=True, end_after_silence=0.8)
        await line.send(name, sound, in_pieces(sound.size, PIECE))
    assert told(sink) == [
        ("mic", "queued"), ("mic-2", "queued"), ("mic", "failed"),
        ("mic-2", "complete"), ("mic-2", "completed"),
    ]  # fmt: skip
    failed = next(event for event in sink.events if isinstance(event, UtteranceEnded))
    assert failed.code == "internal_error" and failed.message


@pytest.mark.parametrize("is_live", [True, False])
async def test_a_performer_that_breaks_is_told_to_the_sender(is_live: bool):
    performer = Frail()
    performer.breaks_at = 5
    sound = scene((3.0, LOUD))
    async with sounding(performer) as (line, sink):
        name = await line.session.say_audio(live=is_live)
        with pytest.raises(UnknownUtterance, match="RuntimeError"):
            await line.send(name, sound, in_pieces(sound.size, PIECE))
        await line.clock.advance(0.5)
        await line.session.say("next", utterance="next")
        await line.clock.advance(1.0)
    assert told(sink)[-3:] == [(name, "failed"), ("next", "queued"), ("next", "completed")]


async def test_an_id_that_was_taken_anew_is_not_for_whoever_had_it_before():
    before, after = scene((1.0, LOUD)), scene((0.5, QUIET), (1.0, LOUD))
    async with sounding() as (line, sink):
        late, early = object(), object()
        await line.session.say_audio(utterance="x", sender=early)
        await line.session.append_audio("x", before, sender=early)
        await line.session.interrupt()
        await line.session.say_audio(utterance="x", sender=late)
        for final in (False, True):
            with pytest.raises(UnknownUtterance, match="no open sound x"):
                await line.session.append_audio("x", before, final, early)
        await line.session.append_audio("x", after, final=True, sender=late)
        await line.clock.advance(2.0)
        heard = np.concatenate([slot.samples for _, slot in line.sent.slots])
    assert np.array_equal(heard[: after.size], after)
    assert told(sink) == [
        ("x", "queued"), ("x", "interrupted"),
        ("x", "queued"), ("x", "complete"), ("x", "completed"),
    ]  # fmt: skip


async def test_a_sender_that_leaves_while_much_waits_is_not_held_up():
    async with sounding() as (line, sink):
        line.session._performer.speech.gate.clear()  # type: ignore[attr-defined]
        await line.session.say("never said", utterance="before")
        commands = line.session.commands()
        await commands.handle(SayAudio(utterance="x", sample_rate=48_000))

        async def push() -> None:
            while True:
                await commands.handle(bytes(96_000))

        pushing = asyncio.create_task(push())
        await line.clock.advance(1.0)
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)
        assert line.session._queue._waiting_room.samples >= MAX_WAITING_SECONDS * SPEECH_RATE
        await asyncio.wait_for(commands.close(), 5)
        assert told(sink)[-1] == ("x", "complete")


async def test_a_sender_is_held_up_while_much_waits_and_let_go_by_an_interrupt():
    async with sounding() as (line, _):
        performer = line.session._performer
        performer.speech.gate.clear()  # type: ignore[attr-defined]
        await line.session.say("never said", utterance="before")
        name = await line.session.say_audio()
        second = scene((1.0, LOUD))
        pushed = 0

        async def push() -> None:
            nonlocal pushed
            for _ in range(100):
                await line.session.append_audio(name, second)
                pushed += 1

        pushing = asyncio.create_task(push())
        await line.clock.advance(1.0)
        assert pushed == pytest.approx(MAX_WAITING_SECONDS, abs=1) and not pushing.done()
        other = await line.session.say_audio()
        beside = [
            asyncio.create_task(line.session.append_audio(other, second))
            for _ in range(round(OWN_WAITING_SECONDS))
        ]
        await settle()
        assert [task.done() for task in beside] == [True, False], "it may have a little of its own"
        await line.session.interrupt()
        await asyncio.wait_for(asyncio.gather(pushing, *beside), 5)
        assert line.session._queue._waiting_room.samples == 0


async def test_all_of_a_long_recording_is_said_though_little_of_it_waits(monkeypatch):
    monkeypatch.setattr("streaming.audio.waiting._MAX_SAMPLES", SPEECH_RATE)
    monkeypatch.setattr("streaming.audio.waiting._OWN_SAMPLES", SPEECH_RATE)
    sound = scene((4.0, LOUD))
    async with sounding() as (line, sink):
        name = await line.session.say_audio()

        async def push() -> None:
            for _, first, stop in in_pieces(sound.size, 9000):
                await line.session.append_audio(name, sound[first:stop], stop == sound.size)

        pushing = asyncio.create_task(push())
        await line.clock.advance(5.0)
        assert pushing.done()
        heard = np.concatenate([slot.samples for _, slot in line.sent.slots])
    assert np.array_equal(heard, sound)
    assert told(sink)[-1] == (name, "completed")


async def test_no_utterance_of_sound_is_endless(monkeypatch):
    for module in (stream, utterance, live):
        monkeypatch.setattr(module, "MAX_SOUND_SAMPLES", 2 * SPEECH_RATE)
    sound = scene((3.0, LOUD), (0.5, QUIET))
    async with sounding() as (line, sink):
        mic = await line.session.say_audio(utterance="mic", live=True, end_after_silence=0.3)
        await line.send(mic, sound, in_pieces(sound.size, PIECE))
        await line.clock.advance(1.0)
        names = [name for name, what in told(sink) if what == "completed"]
        assert names == ["mic", "mic-2"], "a microphone goes on in another one"
        heard = [at for _, at, _ in line.sent.positions(sound)]
        assert max(np.diff(heard)) <= 960 + 2, "without a gap"
        for is_live in (True, False):
            name = await line.session.say_audio(live=is_live)
            with pytest.raises(ScriptRejected, match="at most"):
                await line.send(name, sound, in_pieces(sound.size, PIECE), final=False)
            await line.clock.advance(3.0)
            assert told(sink)[-1] == (name, "completed"), "what came is said"


async def test_streams_are_bounded_and_forgotten():
    async with sounding() as (line, _):
        for number in range(MAX_STREAMS):
            await line.session.say_audio(utterance=f"mic{number}", live=True, end_after_silence=1.0)
        with pytest.raises(CapacityReached, match="open already"):
            await line.session.say_audio()
        await line.session.append_audio("mic3", scene((0.1, QUIET)), final=True)
        await line.session.say_audio(utterance="mic3", live=True, end_after_silence=1.0)
        for name in (f"mic{number}" for number in range(MAX_STREAMS)):
            await line.session.append_audio(name, scene((0.1, QUIET)))
        line.clock.jump(MUTED_SECONDS)
        await line.clock.advance(1.0)
        assert await line.session.say_audio(utterance="mic0")


async def test_a_microphone_that_finds_no_place_in_the_queue_is_told():
    async with sounding() as (line, _):
        line.session._performer.speech.gate.clear()  # type: ignore[attr-defined]
        name = await line.session.say_audio(live=True, end_after_silence=1.0)
        for _ in range(MAX_WAITING_UTTERANCES):
            await line.session.say("x")
        with pytest.raises(CapacityReached, match="wait already"):
            await line.send(name, scene((0.5, LOUD)), in_pieces(SPEECH_RATE // 2, PIECE), final=False)
        await line.session.interrupt()
        await line.send(name, MIC, in_pieces(SPEECH_RATE * 2, PIECE), final=False)
        assert line.sent.slots


@pytest.mark.parametrize("seconds", [0.0, 0.1, 31.0, float("nan")])
async def test_a_silence_out_of_bounds_is_refused(seconds: float):
    async with sounding() as (line, _):
        with pytest.raises(ScriptRejected, match="end_after_silence"):
            await line.session.say_audio(end_after_silence=seconds)


async def test_two_sessions_do_not_hear_each_other():
    one_sound, other_sound = scene((1.0, LOUD)), scene((0.5, QUIET), (0.5, LOUD))[::-1].copy()
    async with sounding() as (one, _), sounding() as (other, _):
        a = await one.session.say_audio(live=True)
        b = await other.session.say_audio(live=True)
        for _, first, stop in in_pieces(one_sound.size, PIECE):
            await one.session.append_audio(a, one_sound[first:stop])
            await other.session.append_audio(b, other_sound[first:stop])
            await one.clock.advance(0.02)
            await other.clock.advance(0.02)
        assert len(one.sent.positions(one_sound)) > 20 and not one.sent.positions(other_sound)
        assert len(other.sent.positions(other_sound)) > 10


async def test_the_avatar_may_change_in_the_middle_of_live_sound():
    sound = scene((2.0, LOUD))
    arrivals = in_pieces(sound.size, PIECE)
    async with sounding() as (line, sink):
        name = await line.session.say_audio(live=True)
        await line.send(name, sound, arrivals[:50], rest=0.02, final=False)
        await line.session.change_avatar("wide")
        started = line.started
        later = [(at - 1.0, i, j) for at, i, j in arrivals[50:]]
        await line.send(name, sound, later)
        line.started = started
        assert max(line.delays(sound, arrivals)) <= 0.150 + 1e-6
        indices = [index for index, _, _ in line.sent.positions(sound)]
    assert max(np.diff(indices)) == 1, "without a gap"
    assert told(sink)[-1] == (name, "completed")
    assert SLOT_SECONDS * len(indices) == pytest.approx(2.0, abs=0.05)
