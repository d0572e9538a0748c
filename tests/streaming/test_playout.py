import asyncio
from contextlib import asynccontextmanager

import av
import numpy as np
import pytest

from streaming.clock import SlotClock
from streaming.encoders.base import EncodedSlot
from streaming.encoders.opus import SILENCE
from streaming.errors import EngineFailed
from streaming.observer import NullObserver
from streaming.playout import MAX_FAILED_SLOTS, Playout
from streaming.protocol import Event, Pong
from streaming.slots import MouthShape, Patch, Slot, UtteranceKey
from streaming.stage import Stage
from streaming.timing import SLOT_SAMPLES, SLOT_SECONDS
from tests.support.clock import ManualClock
from tests.support.engines import FlatCompositor
from tests.support.executor import InlineExecutor
from tests.support.sinks import RecordingSink


class Source:
    """Speech slots in a list; ``stale`` marks those that an interrupt overtook after they were taken."""

    def __init__(self, count: int = 0) -> None:
        pcm = np.full(SLOT_SAMPLES, 0.25, np.float32).tobytes()
        self.waiting = [Slot(UtteranceKey("s", 0, 1), i, pcm, MouthShape(aperture=0.5)) for i in range(count)]
        self.stale: set[int] = set()
        self.sent_log: list[tuple[int, int | None]] = []

    def take(self) -> Slot | None:
        return self.waiting.pop(0) if self.waiting else None

    def is_stale(self, slot: Slot) -> bool:
        return slot.index in self.stale

    def sent(self, index: int, slot: Slot | None) -> None:
        self.sent_log.append((index, slot.index if slot else None))


class FailingCompositor(FlatCompositor):
    """Cannot draw the slots in ``failing``."""

    def __init__(self, failing: range) -> None:
        super().__init__()
        self.failing = failing

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        if index in self.failing:
            raise RuntimeError("this cannot be drawn")
        return super().compose(index, patch)


class BrokenSink(RecordingSink):
    def deliver(self, slot: EncodedSlot) -> None:
        raise RuntimeError("deliver")

    def notify(self, event: Event) -> None:
        raise RuntimeError("notify")

    def closed(self) -> None:
        super().closed()
        raise RuntimeError("closed")


class Skips(NullObserver):
    def __init__(self) -> None:
        self.skipped = 0

    def slots_skipped(self, count: int) -> None:
        self.skipped += count


@asynccontextmanager
async def playing(
    source: Source, observer: NullObserver | None = None, compositor: FlatCompositor | None = None
):
    clock = ManualClock()
    compositor = compositor or FlatCompositor()
    told = observer or NullObserver()
    playout = Playout(SlotClock(clock), source, Stage(compositor), InlineExecutor(), told)
    task = asyncio.create_task(playout.run())
    try:
        yield clock, playout, compositor
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_each_slot_goes_out_once_at_its_deadline_and_idle_never_stops():
    source, sink = Source(3), RecordingSink()
    async with playing(source) as (clock, playout, _):
        playout.attach(sink)
        await clock.advance(10 * SLOT_SECONDS)
    indices = [slot.index for slot in sink.slots]
    assert indices == list(range(indices[0], indices[0] + len(indices)))
    assert len(indices) == 10
    assert [slot.speaking for slot in sink.slots] == [True] * 3 + [False] * 7
    assert source.sent_log[:4] == [(1, 0), (2, 1), (3, 2), (4, None)]


async def test_nothing_is_sent_before_its_deadline():
    source, sink = Source(1), RecordingSink()
    async with playing(source) as (clock, playout, compositor):
        playout.attach(sink)
        await clock.advance(SLOT_SECONDS - 0.001)
        assert compositor.asked and not sink.slots
        await clock.advance(0.001)
        assert len(sink.slots) == 1


async def test_a_stall_skips_indices_but_no_speech():
    source, sink, skips = Source(6), RecordingSink(), Skips()
    async with playing(source, skips) as (clock, playout, _):
        playout.attach(sink)
        await clock.advance(2 * SLOT_SECONDS)
        clock.jump(5 * SLOT_SECONDS)
        await clock.advance(6 * SLOT_SECONDS)
        now = clock.now()
        last = sink.slots[-1].index
        assert SlotClock(clock, epoch=100.0).deadline(last) > now - 2 * SLOT_SECONDS
    assert skips.skipped == 5, "slots 3 to 7 can no longer be made a lead before their deadline"
    assert [spoken for _, spoken in source.sent_log if spoken is not None] == list(range(6))
    assert np.all(np.diff([slot.index for slot in sink.slots]) >= 1)


async def test_a_slot_that_an_interrupt_overtook_is_never_seen_or_heard():
    source, sink = Source(3), RecordingSink()
    async with playing(source) as (clock, playout, _):
        playout.attach(sink)
        await clock.advance(2 * SLOT_SECONDS - 0.001)
        source.stale.update(range(3))
        source.waiting.clear()
        await clock.advance(3 * SLOT_SECONDS)
    overtaken = sink.slots[1]
    assert not overtaken.speaking and not overtaken.video and overtaken.audio == (SILENCE, SILENCE)
    assert source.sent_log[1] == (2, None)
    assert sink.slots[2].video["h264"].keyframe, "decoders never saw the dropped frame"


async def test_keyframes_come_on_joining_and_on_request_only():
    source, sink = Source(), RecordingSink()
    async with playing(source) as (clock, playout, _):
        playout.attach(sink)
        await clock.advance(3 * SLOT_SECONDS)
        playout.request_keyframe("h264")
        await clock.advance(3 * SLOT_SECONDS)
    assert [slot.video["h264"].keyframe for slot in sink.slots] == [True, False, False, True, False, False]


async def test_one_encode_serves_all_viewers_of_a_codec():
    source = Source()
    first, second, other = RecordingSink(), RecordingSink(), RecordingSink("vp8")
    async with playing(source) as (clock, playout, compositor):
        for sink in (first, second, other):
            playout.attach(sink)
        await clock.advance(2 * SLOT_SECONDS)
    assert first.slots[0] is second.slots[0]
    assert set(other.slots[0].video) == {"h264", "vp8"}
    assert len(compositor.asked) == 2


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_what_is_sent_decodes_to_what_was_drawn(codec):
    source, sink = Source(4), RecordingSink(codec)
    async with playing(source) as (clock, playout, _):
        playout.attach(sink)
        await clock.advance(4 * SLOT_SECONDS)
    decoder = av.CodecContext.create(codec, "r")
    frames = [frame for slot in sink.slots for frame in decoder.decode(av.Packet(slot.video[codec].data))]
    frames += decoder.decode(None)
    brightness = [float(np.asarray(frame.to_ndarray()[:64]).mean()) for frame in frames]
    assert len(brightness) == 4
    assert all(abs(level - 116) < 4 for level in brightness)


async def test_without_viewers_nothing_is_drawn_but_speech_goes_on():
    source = Source(3)
    async with playing(source) as (clock, _, compositor):
        await clock.advance(4 * SLOT_SECONDS)
        assert not compositor.asked
        assert [spoken for _, spoken in source.sent_log] == [0, 1, 2, None]


async def test_an_action_runs_between_slots():
    source, sink = Source(), RecordingSink()
    async with playing(source) as (clock, playout, _):
        playout.attach(sink)
        await clock.advance(SLOT_SECONDS)
        seen: list[int] = []
        playout.between_slots(lambda: seen.append(len(sink.slots)))
        await clock.advance(2 * SLOT_SECONDS)
    assert seen == [1]


async def test_a_picture_that_fails_costs_one_frame_and_no_sound():
    source, sink = Source(5), RecordingSink()
    async with playing(source, compositor=FailingCompositor(range(3, 4))) as (clock, playout, _):
        playout.attach(sink)
        await clock.advance(5 * SLOT_SECONDS)
    assert [slot.index for slot in sink.slots] == [1, 2, 3, 4, 5]
    assert [bool(slot.video) for slot in sink.slots] == [True, True, False, True, True]
    assert sink.slots[3].video["h264"].keyframe, "the decoder never saw the frame in between"
    assert all(slot.speaking and slot.audio != (SILENCE, SILENCE) for slot in sink.slots)
    assert [spoken for _, spoken in source.sent_log] == list(range(5))


async def test_sound_that_fails_is_silence_for_one_slot(monkeypatch):
    source, sink = Source(4), RecordingSink()
    async with playing(source) as (clock, playout, _):
        playout.attach(sink)
        await clock.advance(SLOT_SECONDS)
        with monkeypatch.context() as patched:
            patched.setattr(Stage, "produce", lambda *_: 1 / 0)
            await clock.advance(SLOT_SECONDS)
        await clock.advance(SLOT_SECONDS)
    assert [slot.audio == (SILENCE, SILENCE) for slot in sink.slots] == [False, True, False]
    assert [spoken for _, spoken in source.sent_log] == [0, 1, 2]


async def test_a_picture_that_stays_broken_ends_the_playout():
    clock, sink = ManualClock(), RecordingSink()
    stage = Stage(FailingCompositor(range(10_000)))
    playout = Playout(SlotClock(clock), Source(), stage, InlineExecutor(), NullObserver())
    playout.attach(sink)
    task = asyncio.create_task(playout.run())
    await clock.advance(MAX_FAILED_SLOTS * SLOT_SECONDS - SLOT_SECONDS)
    assert not task.done()
    await clock.advance(2 * SLOT_SECONDS)
    with pytest.raises(EngineFailed):
        await task


async def test_a_viewer_that_raises_is_dropped_and_hurts_nobody():
    first, broken, last = RecordingSink(), BrokenSink(), RecordingSink()
    async with playing(Source()) as (clock, playout, _):
        for sink in (first, broken, last):
            playout.attach(sink)
        await clock.advance(2 * SLOT_SECONDS)
        assert playout.sinks == [first, last] and broken.log == [None]
        playout.sinks.insert(0, broken)
        playout.notify(Pong(time=1.0))
        assert playout.sinks == [first, last]
        playout.sinks.insert(0, broken)
        playout.end()
    assert len(first.slots) == len(last.slots) == 2
    assert first.log[-2:] == last.log[-2:] == [Pong(time=1.0), None]
