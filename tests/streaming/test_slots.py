import msgspec
import numpy as np

from streaming.slots import FacePixels, MouthShape, Notice, PerformanceItem, Slot, UtteranceKey, Word
from streaming.timing import SLOT_SAMPLES


def test_a_slot_survives_the_wire_bit_for_bit():
    samples = np.random.default_rng(1).normal(size=SLOT_SAMPLES).astype(np.float32)
    slot = Slot(
        UtteranceKey("s", 3, 7), 42, samples.tobytes(), MouthShape(0.5, -1.0), (Word("hi", 0.1, 0.2, 0, 2),)
    )
    decoder = msgspec.msgpack.Decoder(PerformanceItem)
    back = decoder.decode(msgspec.msgpack.encode(slot))
    assert back == slot
    assert np.array_equal(back.samples, samples)
    assert not back.samples.flags.writeable


def test_notices_and_slots_are_told_apart():
    notice = Notice(UtteranceKey("s", 0, 1), "engine_fallback", "x")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(notice), type=PerformanceItem) == notice


def test_a_slot_with_pixels_survives_the_wire() -> None:
    pixels = bytes(range(256)) * 4
    slot = Slot(UtteranceKey("s", 0, 0), 0, bytes(4 * SLOT_SAMPLES), FacePixels(7, pixels, 0.5, 0.25))
    back = msgspec.msgpack.decode(msgspec.msgpack.encode(slot), type=PerformanceItem)
    assert back == slot
