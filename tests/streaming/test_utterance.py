import asyncio

import numpy as np
import pytest

from streaming.errors import ScriptRejected, UnknownUtterance
from streaming.protocol import MAX_TEXT
from streaming.slots import MouthShape, Slot, UtteranceKey
from streaming.timing import SLOT_SAMPLES
from streaming.utterance import SLOTS_AHEAD, TextUtterance

KEY = UtteranceKey("s", 0, 1)


def make() -> TextUtterance:
    return TextUtterance("u1", KEY, accepted=0.0)


def slot(index: int) -> Slot:
    return Slot(KEY, index, np.zeros(SLOT_SAMPLES, np.float32).tobytes(), MouthShape())


async def test_text_comes_out_as_it_was_written():
    utterance = make()
    utterance.write("one ", final=False)
    utterance.write("", final=False)
    utterance.write("two", final=True)
    assert [piece async for piece in utterance.script()] == ["one ", "two"]


def test_nothing_is_taken_after_the_end():
    utterance = make()
    utterance.write("all", final=True)
    with pytest.raises(UnknownUtterance):
        utterance.write("more", final=False)


def test_the_whole_text_is_bounded():
    utterance = make()
    utterance.write("a" * MAX_TEXT, final=False)
    with pytest.raises(ScriptRejected):
        utterance.write("b", final=False)


async def test_put_waits_until_there_is_room():
    utterance = make()
    for index in range(SLOTS_AHEAD):
        await utterance.put(slot(index))
    waiting = asyncio.create_task(utterance.put(slot(SLOTS_AHEAD)))
    await asyncio.sleep(0)
    assert not waiting.done()
    first = utterance.take()
    assert first is not None and first.index == 0
    await waiting
    assert [s.index for s in iter(utterance.take, None)] == list(range(1, SLOTS_AHEAD + 1))


async def test_exhausted_only_when_all_came_and_all_went():
    utterance = make()
    assert not utterance.exhausted
    await utterance.put(slot(0))
    utterance.all_received = True
    assert not utterance.exhausted
    utterance.take()
    assert utterance.exhausted
