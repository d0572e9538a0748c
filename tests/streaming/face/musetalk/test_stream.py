"""From an utterance's sound to frames that are wanted. No network is needed for that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from avatars.loop import loop_frame
from avatars.manifest import LoopKind
from streaming.face.base import FaceRequest, PromisedPatch
from streaming.face.musetalk.frames import Face, Frame
from streaming.face.musetalk.stream import HELD_SECONDS, LOOK_AHEAD, LOOP_LEAD, MuseTalkStream
from streaming.playhead import Playhead
from streaming.slots import FacePixels, Patch
from streaming.speech.base import SpeechChunk
from streaming.timing import LIVE_LOOK_AHEAD_MS, SLOT_SAMPLES
from tests.support.clock import ManualClock
from tests.support.faces import silence, talk
from tests.support.musetalk_part import small_part


class Easel:
    """Takes frames instead of a network."""

    def __init__(
        self, loop: int = 1, every_other: bool = False, kind: LoopKind = "mirrored", **request
    ) -> None:
        self.frames: list[Frame] = []
        self.clock = ManualClock(50.0)
        self.playhead = Playhead(self.clock, request.pop("pace", "live"))
        self.stream = MuseTalkStream(
            FaceRequest("mira", playhead=self.playhead, **request),
            Face(small_part(loop), kind),
            "taesd",
            self.frames.extend,
            every_other=every_other,
            clock=self.clock,
        )

    def push(self, pcm: NDArray[np.float32]) -> Sequence[Patch | PromisedPatch]:
        return self.stream.push(SpeechChunk(pcm))

    def all(self, pcm: NDArray[np.float32]) -> list[Patch | PromisedPatch]:
        return [*self.push(pcm), *self.stream.flush()]


async def test_frames_are_wanted_in_order_and_each_once() -> None:
    easel = Easel()
    decided = easel.all(talk(1.0))
    assert [frame.number for frame in easel.frames] == list(range(25))
    assert [frame.promise for frame in easel.frames] == decided
    assert [frame.first for frame in easel.frames] == [True] + [False] * 24
    assert {frame.orders.decoder for frame in easel.frames} == {"taesd"}


async def test_frames_of_a_window_share_its_sound() -> None:
    easel = Easel()
    easel.all(talk(0.4))
    assert [frame.row for frame in easel.frames] == [0, 0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert len({id(frame.sound) for frame in easel.frames}) == 6


async def test_silence_is_decided_at_once() -> None:
    easel = Easel()
    decided = easel.all(np.concatenate((silence(1.0), talk(0.5))))
    assert all(isinstance(patch, FacePixels) and not patch.pixels for patch in decided[:22])
    assert {patch.part for patch in decided if isinstance(patch, FacePixels)} == {small_part().number}
    assert easel.frames[0].first and easel.frames[0].number == 23


async def test_live_sound_is_held_back_no_longer_than_it_says() -> None:
    easel = Easel(look_ahead_ms=LIVE_LOOK_AHEAD_MS)
    pcm, decided = talk(4.0), 0
    for begin in range(0, len(pcm), 240):
        decided += len(easel.push(pcm[begin : begin + 240]))
        here = begin + 240
        assert here / SLOT_SAMPLES - decided <= LOOK_AHEAD + 1
        assert here - decided * SLOT_SAMPLES <= (HELD_SECONDS + 0.04) * 24_000 + 240


@pytest.mark.parametrize(("pace", "ahead"), [("live", 2), ("offline", 12)])
async def test_speech_that_runs_ahead_is_heard_further_ahead(pace: str, ahead: int) -> None:
    near, far = Easel(look_ahead_ms=LIVE_LOOK_AHEAD_MS), Easel(pace=pace)
    pcm = talk(3.0)
    near.push(pcm)
    far.push(pcm)
    assert len(near.frames) - len(far.frames) == ahead
    assert len(near.all(silence(0.0))) == len(far.all(silence(0.0))) - ahead, "nothing is lost"


async def test_a_slow_card_gets_one_frame_of_two() -> None:
    easel = Easel(every_other=True)
    decided = easel.all(talk(1.0))
    assert [frame.number for frame in easel.frames] == [0, *range(1, 25, 2)]
    assert len(decided) == 25 and decided[1] is decided[2] and decided[23] is decided[24]


async def test_the_loop_goes_on_from_where_it_will_be() -> None:
    easel = Easel(loop=10, position=4)
    easel.clock.jump(0.4)
    easel.all(talk(0.4))
    assert [frame.place for frame in easel.frames] == [
        loop_frame(4 + 10 + LOOP_LEAD + i, 10, "mirrored") for i in range(10)
    ]


async def test_a_forward_loop_is_drawn_over_its_seam() -> None:
    easel = Easel(loop=10, kind="forward", position=4)
    easel.clock.jump(0.4)
    easel.all(talk(0.4))
    assert [frame.place for frame in easel.frames] == [(14 + LOOP_LEAD + i) % 10 for i in range(10)]


async def test_what_is_queued_is_shown_first() -> None:
    easel = Easel(loop=100, position=4, queued=50)
    easel.all(talk(0.2))
    assert [frame.place for frame in easel.frames] == [54, 55, 56, 57, 58]


async def test_who_stops_looking_wants_no_frame() -> None:
    easel = Easel()
    easel.push(talk(1.0))
    easel.frames[3].promise.cancel()
    assert [frame.wanted for frame in easel.frames[:5]] == [True, True, True, False, True]
    easel.stream.close()
    assert not any(frame.wanted for frame in easel.frames)


async def test_a_promise_is_kept_once_and_on_the_event_loop() -> None:
    easel = Easel()
    easel.push(talk(0.3))
    frame = easel.frames[0]
    await asyncio.to_thread(frame.orders.deliver, frame.promise, frame.patch(b"pixels"))
    frame.orders.deliver(frame.promise, frame.patch(None))
    assert await frame.promise == FacePixels(0, b"pixels", frame.energy, frame.brow, small_part().number)


async def test_empty_chunks_and_no_sound_at_all() -> None:
    easel = Easel()
    assert easel.push(silence(0.0)) == [] and list(easel.stream.flush()) == []
