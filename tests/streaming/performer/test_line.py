import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest

from streaming.errors import LipstreamError, ScriptRejected
from streaming.performer.base import PerformRequest
from streaming.performer.line import MAX_PROMISED, run_line
from streaming.script import piece_of
from streaming.slots import MouthShape, Notice, PerformanceItem, Slot, UtteranceKey
from tests.support.clock import ManualClock, settle
from tests.support.engines import CountingFace, DrawnFace, DrawnFaceStream, RampSpeech, slots_for

REQUEST = PerformRequest(UtteranceKey("s", 0, 1), avatar="mira")


async def pieces(*pieces: str | bytes):
    for piece in pieces:
        yield piece


async def perform(request: PerformRequest, *script: str | bytes):
    return [item async for item in run_line(RampSpeech(), CountingFace(), request, pieces(*script))]


async def test_slots_carry_every_sample_patch_and_word_once():
    items = await perform(REQUEST, "one two", " three")
    assert items[0] == Notice(REQUEST.key, "speech_engine", "ramp")
    slots = [item for item in items if isinstance(item, Slot)]
    assert len(slots) == slots_for(3)
    samples = np.concatenate([slot.samples for slot in slots])
    spoken = 3 * 5040
    assert np.array_equal(samples[:spoken], np.arange(spoken, dtype=np.float32))
    assert [slot.patch for slot in slots] == [MouthShape(i / 100) for i in range(len(slots))]
    assert [word.text for slot in slots for word in slot.words] == ["one", "two", "three"]


async def test_nothing_to_say_is_refused():
    with pytest.raises(ScriptRejected):
        await perform(REQUEST, "   ")


async def test_the_engine_may_refuse_before_it_starts():
    with pytest.raises(LipstreamError, match="es is not spoken"):
        await perform(PerformRequest(REQUEST.key, "mira", language="es"), "hola")


AUDIO = PerformRequest(REQUEST.key, "mira", kind="audio")


async def test_a_script_of_sound_comes_out_as_it_went_in():
    sound = np.random.default_rng(1).uniform(-1, 1, 5000).astype(np.float32)
    items = await perform(AUDIO, piece_of(sound[:1]), piece_of(sound[1:2900]), piece_of(sound[2900:]))
    assert items[0] == Notice(REQUEST.key, "speech_engine", "audio")
    slots = [item for item in items if isinstance(item, Slot)]
    assert len(slots) == 6
    played = np.concatenate([slot.samples for slot in slots])
    assert np.array_equal(played[:5000], sound) and not played[5000:].any()


@pytest.mark.parametrize(("request_", "piece"), [(AUDIO, "words"), (REQUEST, b"\0\0\0\0")])
async def test_a_script_is_of_one_kind(request_: PerformRequest, piece: str | bytes):
    with pytest.raises(ScriptRejected, match="This script is"):
        await perform(request_, piece)


async def test_empty_sound_is_refused():
    with pytest.raises(ScriptRejected, match="audio is empty"):
        await perform(AUDIO)


# Faces that are drawn elsewhere ---------------------------------------------------------------------------


@dataclass
class Performing:
    """A line whose frames the test draws, and what has come out of it."""

    line: AsyncGenerator[PerformanceItem, None]
    face: DrawnFace
    clock: ManualClock
    items: list[PerformanceItem] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def _collect(self) -> None:
        async for item in self.line:
            self.items.append(item)

    async def begin(self) -> DrawnFaceStream:
        self.task = asyncio.ensure_future(self._collect())
        await settle()
        return self.face.streams[0]

    @property
    def patches(self) -> list[object]:
        return [item.patch for item in self.items if isinstance(item, Slot)]

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([item.samples for item in self.items if isinstance(item, Slot)])


def performing(request: PerformRequest, *script: str | bytes) -> Performing:
    face, clock = DrawnFace(), ManualClock()
    return Performing(run_line(RampSpeech(), face, request, pieces(*script), clock), face, clock)


def shapes(frames: int) -> list[MouthShape]:
    return [MouthShape((i % 100) / 100) for i in range(frames)]


async def test_slots_go_as_their_frames_are_drawn() -> None:
    performing_ = performing(REQUEST, "one two three")
    stream = await performing_.begin()
    assert performing_.patches == [] and stream.request.avatar == "mira"
    stream.draw(2)
    await settle()
    assert performing_.patches == shapes(2)
    stream.draw()
    await settle()
    assert performing_.task is not None
    await performing_.task
    assert performing_.patches == shapes(slots_for(3)) and stream.closed
    assert np.array_equal(performing_.samples[:15120], np.arange(15120, dtype=np.float32))


async def test_a_picture_that_is_late_does_not_hold_up_the_sound() -> None:
    performing_ = performing(REQUEST, "one two three")
    stream = await performing_.begin()
    stream.draw(3)
    await settle()
    late = stream.drawing[0][0]
    await performing_.clock.advance(0.119)
    assert len(performing_.patches) == 3
    await performing_.clock.advance(0.002)
    assert performing_.patches == [*shapes(3), shapes(3)[-1]], "the last one is shown once more"
    assert late.cancelled()
    stream.draw()
    await settle()
    assert performing_.patches[4:] == shapes(slots_for(3))[4:]
    assert np.array_equal(performing_.samples[:15120], np.arange(15120, dtype=np.float32))


async def test_the_first_picture_is_waited_for() -> None:
    performing_ = performing(REQUEST, "one two three")
    stream = await performing_.begin()
    await performing_.clock.advance(1.9)
    assert performing_.patches == []
    await performing_.clock.advance(0.2)
    assert performing_.patches[0] == MouthShape(), "but not for ever"
    stream.draw()


async def test_a_file_waits_for_every_picture() -> None:
    performing_ = performing(msgspec.structs.replace(REQUEST, pace="offline"), "one two three")
    stream = await performing_.begin()
    stream.draw(1)
    await performing_.clock.advance(600)
    assert len(performing_.patches) == 1
    stream.draw()
    await settle()
    assert performing_.patches == shapes(slots_for(3))


async def test_speech_is_not_taken_far_ahead_of_the_pictures() -> None:
    performing_ = performing(msgspec.structs.replace(REQUEST, pace="offline"), "word " * 100)
    stream = await performing_.begin()
    await settle(500)
    assert MAX_PROMISED <= len(stream.drawing) <= MAX_PROMISED + slots_for(1)
    while performing_.task is not None and not performing_.task.done():
        stream.draw()
        await settle()
    assert performing_.patches == shapes(slots_for(100))


async def test_who_stops_listening_stops_the_drawing() -> None:
    performing_ = performing(REQUEST, "one two three")
    stream = await performing_.begin()
    assert performing_.task is not None
    performing_.task.cancel()
    await asyncio.gather(performing_.task, return_exceptions=True)
    await performing_.line.aclose()
    assert stream.closed


async def test_what_the_face_tells_becomes_a_notice() -> None:
    performing_ = performing(REQUEST, "one two three")
    stream = await performing_.begin()
    assert stream.request.on_news is not None
    stream.request.on_news("memory_low", "drawn", "smaller batches")
    stream.draw()
    await settle()
    assert Notice(REQUEST.key, "memory_low", "drawn", "smaller batches") in performing_.items


@pytest.mark.parametrize("busy", [0, 1, 5, 50])
async def test_frames_that_are_drawn_while_the_consumer_is_busy_are_not_lost(busy: int) -> None:
    face, patches = DrawnFace(), []

    async def draw() -> None:
        while True:
            await asyncio.sleep(0)
            for stream in face.streams:
                stream.draw(1)

    drawing = asyncio.ensure_future(draw())
    line = run_line(RampSpeech(), face, REQUEST, pieces("one two three"), ManualClock())
    async for item in line:
        patches += [item.patch] if isinstance(item, Slot) else []
        await settle(busy)
    drawing.cancel()
    assert patches == shapes(slots_for(3))


async def test_what_is_told_while_the_consumer_has_the_last_slots_is_not_lost() -> None:
    face = DrawnFace()
    line = run_line(RampSpeech(), face, REQUEST, pieces("one"), ManualClock())
    items: list[PerformanceItem] = [await anext(line)]
    coming = asyncio.ensure_future(anext(line))
    await settle()
    (stream,) = face.streams
    stream.draw()
    items.append(await coming)
    assert stream.request.on_news is not None
    stream.request.on_news("face_failed", "drawn", "it broke")
    items += [item async for item in line]
    assert Notice(REQUEST.key, "face_failed", "drawn", "it broke") in items
    assert sum(isinstance(item, Slot) for item in items) == slots_for(1)
