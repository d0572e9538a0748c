import asyncio

import pytest
from aiortc.mediastreams import MediaStreamError

from streaming.clock import SlotClock
from streaming.encoders.base import EncodedSlot, EncodedVideo
from streaming.webrtc.tracks import MAX_QUEUED_FRAMES, MAX_QUEUED_SOUNDS, SlotAudioTrack, SlotVideoTrack
from tests.support.clock import ManualClock, settle


def slot(index: int, keyframe: bool = False) -> EncodedSlot:
    video = EncodedVideo(b"frame %d" % index, keyframe)
    return EncodedSlot(index, {"h264": video}, (b"first %d" % index, b"second %d" % index), False)


class Asked:
    count = 0

    def __call__(self) -> None:
        self.count += 1


async def received(track: SlotVideoTrack, count: int) -> list[int]:
    return [((await track.recv()).pts or 0) // 3600 for _ in range(count)]


async def test_video_timestamps_follow_from_the_index() -> None:
    track = SlotVideoTrack("h264", Asked())
    track.push(slot(1_000_000, keyframe=True))
    packet = await track.recv()
    assert packet.pts == 3_600_000_000
    assert str(packet.time_base) == "1/90000"
    assert bytes(packet) == b"frame 1000000"


async def test_video_starts_at_a_keyframe_and_asks_for_one() -> None:
    asked = Asked()
    track = SlotVideoTrack("h264", asked)
    for index in range(5):
        track.push(slot(index))
    assert asked.count == 1
    track.push(slot(5, keyframe=True))
    track.push(slot(6))
    assert await received(track, 2) == [5, 6]


async def test_video_that_piles_up_is_dropped_to_the_next_keyframe() -> None:
    asked = Asked()
    track = SlotVideoTrack("h264", asked)
    track.push(slot(0, keyframe=True))
    for index in range(1, MAX_QUEUED_FRAMES + 3):
        track.push(slot(index))
    assert asked.count == 1
    track.push(slot(20, keyframe=True))
    track.push(slot(21))
    assert await received(track, 2) == [20, 21]


async def test_slots_without_this_codec_are_passed_over() -> None:
    track = SlotVideoTrack("h264", Asked())
    track.push(slot(0, keyframe=True))
    track.push(EncodedSlot(1, {}, (b"", b""), False))
    track.push(slot(2))
    assert await received(track, 2) == [0, 2]


async def test_the_second_half_of_a_slot_sounds_20_ms_later() -> None:
    clock = ManualClock()
    slots = SlotClock(clock)
    track = SlotAudioTrack(slots)
    await clock.advance(0.4)
    track.push(slot(10))
    first = await track.recv()
    assert (first.pts, bytes(first), str(first.time_base)) == (19_200, b"first 10", "1/48000")
    second = asyncio.ensure_future(track.recv())
    await clock.advance(0.019)
    assert not second.done()
    await clock.advance(0.002)
    assert (await second).pts == 20_160


async def test_late_sound_is_sent_at_once_and_old_sound_is_dropped() -> None:
    clock = ManualClock()
    track = SlotAudioTrack(SlotClock(clock))
    for index in range(20):
        track.push(slot(index))
    await clock.advance(5.0)
    times = [(await track.recv()).pts for _ in range(MAX_QUEUED_SOUNDS)]
    assert times == [960 * i for i in range(30, 40)]


async def test_stopping_ends_a_waiting_reader() -> None:
    for track in (SlotVideoTrack("h264", Asked()), SlotAudioTrack(SlotClock(ManualClock()))):
        waiting = asyncio.ensure_future(track.recv())
        await settle()
        track.stop()
        with pytest.raises(MediaStreamError):
            await waiting
        with pytest.raises(MediaStreamError):
            await track.recv()
