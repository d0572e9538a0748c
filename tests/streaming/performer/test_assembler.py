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
    slots += assembler.finish()
    out = np.concatenate([slot.samples for slot in slots]) if slots else np.zeros(0, np.float32)
    assert np.array_equal(out[: source.size], source)
    assert not out[source.size :].any() and out.size - source.size < SLOT_SAMPLES
    assert [slot.index for slot in slots] == list(range(len(slots)))


def test_a_slot_waits_for_its_patch():
    assembler = SlotAssembler(KEY)
    assembler.add_speech(SpeechChunk(np.ones(3 * SLOT_SAMPLES, np.float32)))
    assert assembler.ready() == []
    assembler.add_patches([MouthShape(0.1), MouthShape(0.2)])
    assert [slot.patch.aperture for slot in assembler.ready()] == [0.1, 0.2]
    assert len(assembler.finish()) == 1


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
