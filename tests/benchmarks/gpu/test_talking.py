import numpy as np
import pytest

from benchmarks.gpu.talking import Heard, _Answer
from streaming.slots import FacePixels, MouthShape, Patch, Slot, UtteranceKey
from streaming.speech.base import SpeechChunk
from streaming.timing import SLOT_SECONDS
from tests.support.clock import ManualClock

KEY = UtteranceKey("session 0", 0, 0)


def slot(index: int, patch: Patch) -> Slot:
    return Slot(KEY, index, b"", patch)


def test_frames_are_counted_as_a_viewer_sees_them() -> None:
    clock, heard = ManualClock(), Heard()
    answer = _Answer(heard, clock)
    clock.jump(0.1)
    answer.sound(SpeechChunk(np.zeros(2400, np.float32)))
    clock.jump(0.1)
    drawn = [FacePixels(0, b"x") for _ in range(3)]
    patches = [MouthShape(), drawn[0], drawn[1], drawn[1], FacePixels(0, b""), drawn[2]]
    for index, patch in enumerate(patches):
        answer.take(slot(index, patch))
    assert (heard.slots, heard.fresh, heard.repeated, heard.silent) == (6, 3, 2, 1)
    assert heard.first_audio == [pytest.approx(0.1)] and heard.first_frame == [pytest.approx(0.2)]
    assert heard.sound == pytest.approx(0.1)
    assert heard.frame_rate == pytest.approx(25 * 3 / 5)


def test_what_comes_too_late_breaks_the_sound_off_and_moves_the_rest() -> None:
    clock, heard = ManualClock(), Heard()
    answer = _Answer(heard, clock)
    answer.take(slot(0, FacePixels(0, b"x")))
    clock.jump(SLOT_SECONDS + 0.02)
    answer.take(slot(1, FacePixels(0, b"x")))
    assert heard.missed == 1 and heard.stalled == pytest.approx(0.02)
    clock.jump(SLOT_SECONDS)
    answer.take(slot(2, FacePixels(0, b"x")))
    assert heard.missed == 1, "one break is one break"
    played = 3 * SLOT_SECONDS
    assert heard.frame_rate == pytest.approx(25 * played / (played + 0.02))


def test_a_moment_is_not_late() -> None:
    clock, heard = ManualClock(), Heard()
    answer = _Answer(heard, clock)
    answer.take(slot(0, FacePixels(0, b"x")))
    clock.jump(SLOT_SECONDS + 0.001)
    answer.take(slot(1, FacePixels(0, b"x")))
    assert heard.missed == 0
