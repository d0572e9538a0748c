from contextlib import asynccontextmanager

import numpy as np
import pytest

from streaming.audio.live import (
    DELAY_SECONDS,
    FACE_SECONDS,
    MAX_BACKLOG_SECONDS,
    MUCH_SPARE_SECONDS,
    SPARE_SECONDS,
)
from streaming.observer import DropReason, NullObserver
from streaming.protocol import NoticeEvent, UtteranceEnded, UtteranceStarted
from streaming.session import Session, SessionOptions
from streaming.timing import SLOT_SECONDS, SPEECH_RATE
from tests.support.clock import ManualClock
from tests.support.engines import DirectPerformer, FlatCompositors
from tests.support.executor import InlineExecutor
from tests.support.sender import SlowFace, Sounding, in_pieces, talk
from tests.support.sinks import RecordingSink

PIECE = 480
TALK = talk(12)


class Notes(NullObserver):
    def __init__(self) -> None:
        self.gaps = 0
        self.dropped: dict[DropReason, float] = {"quiet": 0.0, "backlog": 0.0}
        self.latencies: list[float] = []

    def sound_dropped(self, seconds: float, reason: DropReason) -> None:
        self.dropped[reason] += seconds

    def sound_late(self) -> None:
        self.gaps += 1

    def utterance_started(self, latency_seconds: float, engine: str) -> None:
        self.latencies.append(latency_seconds)


@asynccontextmanager
async def sounding(phase: float = 0.0, look_ahead: int = 1, face_seconds: float = FACE_SECONDS):
    clock, notes, sink = ManualClock(), Notes(), RecordingSink(None)
    session = await Session.open(
        "mira",
        performer=DirectPerformer(face=SlowFace(look_ahead)),
        compositors=FlatCompositors(),
        clock=clock,
        executor=InlineExecutor(),
        observer=notes,
        options=SessionOptions(face_seconds=face_seconds),
    )
    try:
        session.attach(sink)
        await clock.advance(0.2 + phase)
        yield Sounding(session, clock), notes, sink
    finally:
        await session.close()


def events(sink: RecordingSink, kind: type) -> list:
    return [event for event in sink.events if isinstance(event, kind)]


@pytest.mark.parametrize(
    ("piece", "phase"), [(128, 0.0), (480, 0.0), (480, 0.013), (480, 0.0395), (1536, 0.02), (24_000, 0.01)]
)
async def test_sound_in_step_is_sent_a_fixed_time_after_it_came(piece: int, phase: float):
    source = TALK[: 2 * SPEECH_RATE]
    arrivals = in_pieces(source.size, piece)
    async with sounding(phase) as (line, notes, sink):
        name = await line.session.say_audio(live=True)
        await line.send(name, source, arrivals, rest=2.0)
        delays = line.delays(source, arrivals)
    assert max(delays) <= 0.150 + 1e-6
    assert len(delays) >= source.size // 960 - 1
    assert delays[1] == pytest.approx(DELAY_SECONDS, abs=1e-3)
    assert notes.gaps == 0 and notes.dropped == {"quiet": 0, "backlog": 0}
    assert DELAY_SECONDS - SLOT_SECONDS - 1e-3 <= notes.latencies[0] <= DELAY_SECONDS + 1e-3
    (end,) = events(sink, UtteranceEnded)
    assert end.reason == "completed"


async def test_a_face_that_wants_more_sound_delays_it_by_that_much():
    source = TALK[: 2 * SPEECH_RATE]
    arrivals = in_pieces(source.size, 480)
    async with sounding(0.01, look_ahead=4, face_seconds=0.18) as (line, notes, _):
        name = await line.session.say_audio(live=True)
        await line.send(name, source, arrivals, final=False, rest=2.0)
        delays = line.delays(source, arrivals)
    assert delays[1] == pytest.approx(DELAY_SECONDS - FACE_SECONDS + 0.18, abs=1e-3)
    assert max(delays[:-6]) <= DELAY_SECONDS - FACE_SECONDS + 0.18 + 1e-3
    assert notes.gaps == 1, "at the end, where nothing comes any more and nobody says so"
    assert len(delays) >= source.size // 960 - 1, "nothing is held back for ever"


def late(seed: int, most: float) -> list[tuple[float, int, int]]:
    rng = np.random.default_rng(seed)
    times = np.maximum.accumulate([at + rng.uniform(0, most) for at, _, _ in in_pieces(TALK.size, PIECE)])
    return [(float(at), i, j) for at, (_, i, j) in zip(times, in_pieces(TALK.size, PIECE), strict=True)]


def stalled(seconds: float, at: float = 2.0) -> list[tuple[float, int, int]]:
    """Nothing comes for a while, and then all of it at once."""
    return [
        (at + seconds if at <= when < at + seconds else when, i, j)
        for when, i, j in in_pieces(TALK.size, PIECE)
    ]


def lost(seconds: float, at: float = 2.0) -> list[tuple[float, int, int]]:
    return [each for each in in_pieces(TALK.size, PIECE) if not at <= each[0] < at + seconds]


def early(seconds: float) -> list[tuple[float, int, int]]:
    return [(max(0.0, at - seconds), i, j) for at, i, j in in_pieces(TALK.size, PIECE)]


PATTERNS = {
    "a little late": (late(1, 0.03), 0.20),
    "late": (late(2, 0.08), 0.30),
    "very late": (late(3, 0.25), 0.50),
    "a short stall": (stalled(0.1), 0.20),
    "a stall": (stalled(0.5), 0.20),
    "a long stall": (stalled(2.5), 0.30),
    "a piece lost": (lost(0.02), 0.20),
    "much lost": (lost(0.7), 0.20),
    "early": (early(0.5), 0.20),
    "very early": (early(3.0), 0.90),
}
"""Arrivals, and the delay to which all come back in the end."""


def all_sorts(seed: int) -> list[tuple[float, int, int]]:
    """Pieces of odd sizes, late, lost, held up and sent ahead by turns."""
    rng = np.random.default_rng(seed)
    arrivals, first, offset, now = [], 0, 0.0, 0.0
    while first < TALK.size:
        stop = min(TALK.size, first + int(rng.integers(1, 2000)))
        if rng.random() < 0.02:
            offset = rng.uniform(-0.4, 0.4)
        now = max(now, first / SPEECH_RATE + offset + rng.uniform(0, 0.05))
        if rng.random() > 0.02:
            arrivals.append((now, first, stop))
        first = stop
    return arrivals


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_comes_is_sent_in_order_with_its_lips_and_ends_once(seed: int):
    arrivals = all_sorts(seed)
    async with sounding(seed * 0.011) as (line, notes, sink):
        name = await line.session.say_audio(live=True)
        await line.send(name, TALK, arrivals, rest=2.5)
        delays = line.delays(TALK, arrivals)
    assert max(delays) <= MAX_BACKLOG_SECONDS + DELAY_SECONDS
    assert [(end.utterance, end.reason) for end in events(sink, UtteranceEnded)] == [(name, "completed")]
    came = sum(stop - first for _, first, stop in arrivals) / SPEECH_RATE
    sent = sum(slot.index >= 0 for _, slot in line.sent.slots) * SLOT_SECONDS
    filled = 2 * (notes.gaps + 1) * SLOT_SECONDS
    assert came - SLOT_SECONDS <= sent + sum(notes.dropped.values()) <= came + filled


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_bad_arrivals_neither_mix_up_the_sound_nor_stay_late(pattern: str):
    arrivals, bound = PATTERNS[pattern]
    async with sounding(0.017) as (line, notes, sink):
        name = await line.session.say_audio(live=True)
        await line.send(name, TALK, arrivals)
        delays = line.delays(TALK, arrivals)
    assert max(delays[-10:]) <= bound, "the delay came back"
    assert max(delays) <= MAX_BACKLOG_SECONDS + DELAY_SECONDS, "and was never beyond measure"
    (end,) = events(sink, UtteranceEnded)
    assert (end.utterance, end.reason) == (name, "completed")
    missing = TALK.size / SPEECH_RATE - len(delays) * SLOT_SECONDS
    cut = TALK.size - sum(j - i for _, i, j in arrivals)
    assert missing == pytest.approx(sum(notes.dropped.values()) + cut / SPEECH_RATE, abs=4 * SLOT_SECONDS)
    assert bool(events(sink, NoticeEvent)) == (notes.dropped["backlog"] > 0)


async def test_beyond_a_bound_the_oldest_sound_is_dropped_and_told():
    arrivals = stalled(3.0)
    async with sounding() as (line, notes, sink):
        name = await line.session.say_audio(live=True)
        await line.send(name, TALK, arrivals)
        found = line.sent.positions(TALK)
    assert notes.dropped["backlog"] == pytest.approx(3.0 - MAX_BACKLOG_SECONDS, abs=0.1)
    places = [at for _, at, _ in found]
    gap = int(np.argmax(np.diff(places)))
    assert places[gap] < 2.0 * SPEECH_RATE < places[gap + 1], "what is missing is the oldest"
    (notice,) = events(sink, NoticeEvent)
    assert (notice.code, notice.utterance) == ("sound_dropped", name)
    assert notes.gaps == 1


@pytest.mark.parametrize("pace", [1.005, 0.995])
async def test_a_clock_that_drifts_makes_no_gaps_and_no_delay(pace: float):
    # As much in 40 seconds as a bad crystal (0.1%) drifts in more than three minutes.
    source = talk(40)
    arrivals = in_pieces(source.size, PIECE, pace)
    async with sounding() as (line, notes, _):
        name = await line.session.say_audio(live=True)
        await line.send(name, source, arrivals)
        delays = line.delays(source, arrivals)
    assert max(delays) <= DELAY_SECONDS + SPARE_SECONDS
    assert min(delays) >= DELAY_SECONDS - SPARE_SECONDS - SLOT_SECONDS
    assert notes.gaps <= 1, "the delay that is missing is made where it is quiet"
    assert notes.dropped["backlog"] == 0


async def test_much_delay_is_taken_back_faster_but_no_pause_is_lost():
    arrivals = stalled(1.2)
    async with sounding() as (line, notes, _):
        name = await line.session.say_audio(live=True)
        await line.send(name, TALK, arrivals)
        found = line.sent.positions(TALK)
    assert notes.dropped["quiet"] > MUCH_SPARE_SECONDS
    places = [at for _, at, _ in found]
    assert max(np.diff(places)) <= 5 * 960, "never more than three slots at a time"


@pytest.mark.parametrize("pattern", [stalled(0.3), stalled(2.5), lost(0.5)])
async def test_gaps_do_not_click(pattern):
    hertz, level = 150.0, 0.3
    tone = (level * np.cos(2 * np.pi * hertz * np.arange(TALK.size) / SPEECH_RATE)).astype(np.float32)
    steepest = level * 2 * np.pi * hertz / SPEECH_RATE
    async with sounding(0.02) as (line, _, _):
        name = await line.session.say_audio(live=True)
        await line.send(name, tone, pattern, final=False)
        heard = np.concatenate(line.sent.sound)
    assert np.abs(heard).max() > 0.25
    assert np.abs(np.diff(heard)).max() < 2 * 0.3 / 120 * np.pi / 2 + steepest, "a step takes 5 ms at least"


async def test_what_the_face_held_back_is_sent_when_nothing_follows():
    source = TALK[: SPEECH_RATE // 2]
    arrivals = in_pieces(source.size, PIECE)
    async with sounding() as (line, notes, sink):
        name = await line.session.say_audio(live=True)
        await line.send(name, source, arrivals, final=False)
        said = len(line.delays(source, arrivals))
        assert said * SLOT_SECONDS >= 0.5, "all of it, though its end is not known"
        assert not events(sink, UtteranceEnded) and notes.gaps <= 1
        again = TALK[SPEECH_RATE:]
        later = in_pieces(again.size, PIECE)
        mark = len(line.sent.slots)
        await line.send(name, again, later)
        line.sent.slots = line.sent.slots[mark:]
        assert line.delays(again, later)[0] == pytest.approx(DELAY_SECONDS, abs=1e-3), "in step again"


async def test_sound_that_waits_its_turn_is_dropped_from_its_beginning():
    arrivals = in_pieces(5 * SPEECH_RATE, PIECE)
    async with sounding() as (line, notes, sink):
        await line.session.say("a b c d e f g h i j k l", utterance="text")
        name = await line.session.say_audio(live=True)
        await line.send(name, TALK, arrivals)
        delays = line.delays(TALK, arrivals)
        first = line.sent.positions(TALK)[0][1]
    assert [event.utterance for event in events(sink, UtteranceStarted)] == ["text", name]
    assert delays[0] <= MAX_BACKLOG_SECONDS + DELAY_SECONDS and first > 0.5 * SPEECH_RATE
    assert notes.dropped["backlog"] > 0.5
