import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streaming.performer.assembler import SlotAssembler
from streaming.slots import MouthShape, UtteranceKey, Word
from streaming.speech.base import SpeechChunk
from streaming.timing import SLOT_SAMPLES, SLOT_SECONDS

KEY = UtteranceKey("s", 0, 1)


@given(st.lists(st.integers(0, 5_000), max_size=12))
def test_samples_come_out_as_they_went_in(sizes: list[int]):
    source = np.arange(sum(sizes), dtype=np.float32) + 1
    assembler, slots, start = SlotAssembler(KEY), [], 0
    for size in sizes:
        assembler.add_speech(SpeechChunk(source[start : start + size]))
        start += size
        assembler.add_patches([MouthShape()] * (start // SLOT_SAMPLES - len(slots)))
        slots += assembler.ready()
    assembler.end()
    slots += assembler.ready()
    out = np.concatenate([slot.samples for slot in slots]) if slots else np.zeros(0, np.float32)
    assert np.array_equal(out[: source.size], source)
    assert not out[source.size :].any() and out.size - source.size < SLOT_SAMPLES
    assert [slot.index for slot in slots] == list(range(len(slots)))


def test_a_slot_waits_for_its_patch():
    assembler = SlotAssembler(KEY)
    assembler.add_speech(SpeechChunk(np.ones(3 * SLOT_SAMPLES, np.float32)))
    assert assembler.ready() == []
    assembler.add_patches([MouthShape(0.1), MouthShape(0.2)])
    assert [slot.patch for slot in assembler.ready()] == [MouthShape(0.1), MouthShape(0.2)]
    assembler.end()
    assert [slot.patch for slot in assembler.ready()] == [MouthShape(0.2)]


def test_words_move_to_the_utterance_and_to_the_slot_they_begin_in():
    assembler = SlotAssembler(KEY)
    half = SpeechChunk(np.ones(SLOT_SAMPLES * 3 // 2, np.float32), words=(Word("a", 0.0, 0.05, 0, 1),))
    assembler.add_speech(half)
    assembler.add_speech(SpeechChunk(half.pcm, words=(Word("b", 0.01, 0.06, 2, 3),)))
    assembler.add_patches([MouthShape()] * 3)
    slots = assembler.ready()
    assert [[word.text for word in slot.words] for slot in slots] == [["a"], ["b"], []]
    assert abs(slots[1].words[0].start - (1.5 * SLOT_SECONDS + 0.01)) < 1e-9


def test_a_word_that_begins_before_its_speech_came_is_not_lost():
    assembler = SlotAssembler(KEY)
    assembler.add_speech(SpeechChunk(np.ones(SLOT_SAMPLES, np.float32)))
    assembler.add_patches([MouthShape()] * 2)
    assembler.ready()
    word = Word("late", -0.02, 0.02, 0, 4)
    assembler.add_speech(SpeechChunk(np.ones(SLOT_SAMPLES, np.float32), words=(word,)))
    assert [word.text for slot in assembler.ready() for word in slot.words] == ["late"]


def sound(slots: float) -> SpeechChunk:
    return SpeechChunk(np.ones(round(slots * SLOT_SAMPLES), np.float32))


async def test_a_slot_waits_for_a_patch_that_is_being_drawn():
    assembler = SlotAssembler(KEY)
    drawn = [asyncio.get_running_loop().create_future() for _ in range(2)]
    assembler.add_patches(drawn)
    assert assembler.awaited is None, "there is no sound yet"
    assembler.add_speech(sound(3))
    assert assembler.ready() == [] and assembler.awaited is drawn[0] and assembler.promised == 2
    drawn[1].set_result(MouthShape(0.2))
    assert assembler.ready() == [], "the order is kept"
    drawn[0].set_result(MouthShape(0.1))
    assert [slot.patch for slot in assembler.ready()] == [MouthShape(0.1), MouthShape(0.2)]
    assert assembler.awaited is None and assembler.index == 2


async def test_a_patch_that_is_too_late_is_cancelled_and_the_last_one_shown_once_more():
    assembler = SlotAssembler(KEY)
    late = asyncio.get_running_loop().create_future()
    assembler.add_patches([MouthShape(0.3), late, MouthShape(0.5)])
    assembler.add_speech(sound(3))
    shown = assembler.ready()
    shown.append(assembler.give_up())
    shown += assembler.ready()
    assert late.cancelled()
    assert [slot.patch for slot in shown] == [MouthShape(0.3), MouthShape(0.3), MouthShape(0.5)]
    assert [slot.index for slot in shown] == [0, 1, 2]


async def test_a_patch_that_nobody_draws_any_more_holds_nothing_up():
    assembler = SlotAssembler(KEY)
    dropped = asyncio.get_running_loop().create_future()
    assembler.add_patches([MouthShape(0.3), dropped])
    assembler.add_speech(sound(2))
    dropped.cancel()
    assert [slot.patch for slot in assembler.ready()] == [MouthShape(0.3), MouthShape(0.3)]


async def test_the_rest_of_a_slot_waits_for_its_patch_too():
    assembler = SlotAssembler(KEY)
    drawn = asyncio.get_running_loop().create_future()
    assembler.add_patches([drawn])
    assembler.add_speech(sound(0.5))
    assembler.end()
    assert assembler.ready() == [] and assembler.awaited is drawn
    drawn.set_result(MouthShape(0.4))
    assert [slot.patch for slot in assembler.ready()] == [MouthShape(0.4)]


async def test_a_patch_that_is_shown_twice_may_still_come_for_the_second_slot():
    assembler = SlotAssembler(KEY)
    drawn = asyncio.get_running_loop().create_future()
    assembler.add_patches([MouthShape(0.3), drawn, drawn, MouthShape(0.5)])
    assembler.add_speech(sound(4))
    slots = [*assembler.ready(), assembler.give_up()]
    assert not drawn.cancelled() and assembler.awaited is drawn
    drawn.set_result(MouthShape(0.4))
    slots += assembler.ready()
    assert [slot.patch for slot in slots] == [MouthShape(shown) for shown in (0.3, 0.3, 0.4, 0.5)]
    assert [slot.late for slot in slots] == [False, True, False, False]


async def test_a_patch_that_is_shown_twice_can_be_given_up_for_good():
    assembler = SlotAssembler(KEY)
    drawn = asyncio.get_running_loop().create_future()
    assembler.add_patches([MouthShape(0.3), drawn, drawn])
    assembler.add_speech(sound(3))
    slots = [*assembler.ready(), assembler.give_up(), assembler.give_up()]
    assert drawn.cancelled() and [slot.patch for slot in slots] == [MouthShape(0.3)] * 3
