import asyncio
import json

from streaming.encoders.base import EncodedSlot
from streaming.protocol import Error, Pong, UtteranceEnded
from streaming.sinks.websocket import MAX_QUEUED_EVENTS, MAX_QUEUED_SLOTS, WebSocketFormat, WebSocketSink
from tests.support.media import SlotMaker


class Viewer:
    def __init__(self, format: WebSocketFormat = "webcodecs") -> None:
        self.asked = 0
        self.sink = WebSocketSink(format, 192, 192, self.ask)
        self.maker = SlotMaker()

    def ask(self) -> None:
        self.asked += 1

    def play(self, start: int, stop: int) -> None:
        for slot in self.maker.run(start, stop):
            self.sink.deliver(slot)

    async def everything(self) -> list[str | bytes]:
        self.sink.closed()
        return [message async for message in self.sink.messages()]


def slots_of(messages: list[str | bytes]) -> list[int]:
    """Slot indices of the video messages."""
    return [int.from_bytes(m[4:8], "little") for m in messages if isinstance(m, bytes) and m[0] == 1]


def kinds(messages: list[str | bytes]) -> list[str]:
    return [json.loads(m)["type"] if isinstance(m, str) else "binary" for m in messages]


async def test_media_is_announced_once_and_starts_at_a_keyframe() -> None:
    viewer = Viewer()
    viewer.maker.make(0)
    viewer.play(1, 4)
    viewer.maker.keyframe = True
    viewer.play(4, 8)
    messages = await viewer.everything()
    assert kinds(messages) == ["media"] + ["binary"] * 12
    assert slots_of(messages) == [4, 5, 6, 7]
    assert viewer.asked == 1


async def test_events_keep_their_place_among_the_slots() -> None:
    viewer = Viewer()
    viewer.play(0, 1)
    viewer.sink.notify(Pong(time=1.0))
    viewer.play(1, 2)
    assert kinds(await viewer.everything()) == ["media", *["binary"] * 3, "pong", *["binary"] * 3]


async def test_a_slow_viewer_loses_media_to_the_next_keyframe_but_no_event() -> None:
    viewer = Viewer()
    for i in range(MAX_QUEUED_SLOTS + 5):
        viewer.play(i, i + 1)
        viewer.sink.notify(Pong(time=float(i)))
    assert viewer.asked == 1
    viewer.maker.keyframe = True
    viewer.play(30, 33)
    messages = await viewer.everything()
    assert slots_of(messages) == [30, 31, 32]
    times = [json.loads(m)["time"] for m in messages if isinstance(m, str) and "pong" in m]
    assert times == [float(i) for i in range(MAX_QUEUED_SLOTS + 5)]
    assert viewer.sink.dropped_slots == MAX_QUEUED_SLOTS


async def test_a_viewer_that_waits_reminds_once_a_second() -> None:
    viewer = Viewer()
    viewer.maker.make(0)
    viewer.play(1, 61)
    assert viewer.asked == 3


async def test_fragments_after_a_drop_still_join_up() -> None:
    viewer = Viewer("fmp4")
    viewer.play(0, MAX_QUEUED_SLOTS + 5)
    viewer.maker.keyframe = True
    viewer.play(30, 32)
    messages = await viewer.everything()
    assert kinds(messages) == ["media", "binary", "binary", "binary"]
    assert json.loads(messages[0])["slot"] == 30


async def test_messages_are_delivered_while_they_come() -> None:
    viewer = Viewer()
    stream = viewer.sink.messages()
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert not waiting.done()
    viewer.sink.notify(Pong(time=3.0))
    assert json.loads(await waiting)["time"] == 3.0
    viewer.sink.closed()
    assert [message async for message in stream] == []


async def test_events_alone() -> None:
    viewer = Viewer("none")
    assert viewer.sink.codec is None
    viewer.play(0, 2)
    viewer.sink.notify(Error(code="x", message="y"))
    assert kinds(await viewer.everything()) == ["error"]


async def test_a_viewer_that_reads_nothing_is_let_go() -> None:
    viewer = Viewer("none")
    for i in range(MAX_QUEUED_EVENTS + 10):
        viewer.sink.notify(Pong(time=float(i)))
    messages = [message async for message in viewer.sink.messages()]
    assert len(messages) == MAX_QUEUED_EVENTS


async def test_a_stale_slot_keeps_its_sound() -> None:
    viewer = Viewer()
    viewer.play(0, 1)
    slot = viewer.maker.make(1)
    viewer.sink.deliver(EncodedSlot(1, {}, slot.audio, False))
    messages = await viewer.everything()
    assert slots_of(messages) == [0]
    assert sum(isinstance(m, bytes) and m[0] == 2 for m in messages) == 4


def end(reason: str) -> UtteranceEnded:
    return UtteranceEnded.model_validate({"utterance": "u1", "reason": reason, "spoken_seconds": 0.2})


async def test_what_a_slow_viewer_has_not_pulled_is_dropped_by_an_interrupt() -> None:
    viewer = Viewer()
    viewer.play(0, 5)
    viewer.sink.notify(end("interrupted"))
    viewer.play(5, 6)
    assert viewer.asked == 1
    viewer.maker.keyframe = True
    viewer.play(6, 8)
    messages = await viewer.everything()
    assert kinds(messages)[0] == "utterance.ended"
    assert slots_of(messages) == [6, 7]


async def test_what_was_said_to_its_end_stays_for_a_slow_viewer() -> None:
    viewer = Viewer()
    viewer.play(0, 5)
    viewer.sink.notify(end("completed"))
    assert slots_of(await viewer.everything()) == [0, 1, 2, 3, 4]
    assert viewer.asked == 0
