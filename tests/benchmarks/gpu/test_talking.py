import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu.talking import Heard, _Answer, talk
from streaming.errors import EngineFailed
from streaming.slots import FacePixels, MouthShape, Patch, Slot, UtteranceKey
from streaming.speech.base import SpeechChunk
from streaming.timing import SLOT_SECONDS
from tests.support.clock import ManualClock
from tests.support.engines import CountingFace, CountingFaceStream, RampSpeech

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
    clock.jump(SLOT_SECONDS + 0.03)
    answer.take(slot(1, FacePixels(0, b"x")))
    assert heard.missed == 1 and heard.stalled == pytest.approx(0.03)
    clock.jump(SLOT_SECONDS)
    answer.take(slot(2, FacePixels(0, b"x")))
    assert heard.missed == 1, "one break is one break"
    played = 3 * SLOT_SECONDS
    assert heard.frame_rate == pytest.approx(25 * played / (played + 0.03))


def test_a_moment_is_not_late() -> None:
    clock, heard = ManualClock(), Heard()
    answer = _Answer(heard, clock)
    answer.take(slot(0, FacePixels(0, b"x")))
    clock.jump(SLOT_SECONDS + 0.01)
    answer.take(slot(1, FacePixels(0, b"x")))
    assert heard.missed == 0


class DrawnStream(CountingFaceStream):
    """Every frame has been drawn."""

    def _patches(self, frames: int) -> list[Patch]:
        patches: list[Patch] = [FacePixels(0, b"x") for _ in range(self.frames, frames)]
        self.frames = max(self.frames, frames)
        return patches


class DrawnFace(CountingFace):
    def open(self, request: Any) -> DrawnStream:
        return DrawnStream()


async def test_sessions_speak_in_real_time_one_answer_after_the_other() -> None:
    clock = ManualClock()
    engines: Any = SimpleNamespace(speech=RampSpeech(), face=DrawnFace())
    talking = asyncio.ensure_future(talk(engines, 2, clock, 8.0, 2))
    began = clock.now()
    while not talking.done():
        await clock.advance(0.1)
        assert clock.now() < began + 20
    assert clock.now() - began == pytest.approx(8.5, abs=0.2), "the second begins half a second later"
    for heard in await talking:
        assert (heard.slots, heard.fresh, heard.repeated, heard.missed) == (200, 200, 0, 0)
        assert heard.frame_rate == 25 and len(heard.first_frame) == len(heard.first_audio) == 2
        # Each answer of 4 s is broken off there: little is made that nobody hears.
        assert 8.0 <= heard.sound <= 8.5


async def test_what_cannot_be_said_is_told() -> None:
    clock = ManualClock()
    engines: Any = SimpleNamespace(speech=RampSpeech(), face=DrawnFace())
    engines.speech.check = _refuse
    (heard,) = await talk(engines, 1, clock, 1.0, 1)
    assert heard.slots == 0 and heard.failures == ["no"]


def _refuse(_: Any) -> None:
    raise EngineFailed("no")
